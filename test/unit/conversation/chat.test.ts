import * as assert from 'node:assert/strict';
import { chatInfillForm, renderChat } from '../../../server/src/conversation';
import type { FimForm } from '../../../server/src/prompt';

/** Of the shape that Qwen's templates have. */
const chatMl =
  "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}" +
  "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}";
const messages = [{ role: 'user', content: 'Hello' }] as const;

function shape(form: FimForm): string {
  return form.parts
    .map((part) =>
      part.kind === 'control'
        ? part.text
        : part.pieces.map((piece) => (typeof piece === 'string' ? piece : `{${piece.field}}`)).join(''),
    )
    .join('');
}

describe('conversation: chat templates', () => {
  it('shows the conversation as the template says, up to where the answer begins, without thinking', () => {
    assert.equal(
      renderChat(chatMl, messages),
      '<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
    );
    assert.equal(
      renderChat(chatMl, messages, { thinking: true }),
      '<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('knows the model’s own tokens', () => {
    const template = '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}';
    assert.equal(renderChat(template, messages, { bos: '<s>', eos: '</s>' }), '<s>Hello</s>');
  });

  it('closes a thought that a template opens whether or not it is asked to', () => {
    const opens = '{{ messages[0].content }}<|im_start|>assistant\n<think>\n';
    assert.equal(renderChat(opens, messages), 'Hello<|im_start|>assistant\n<think>\n\n</think>\n\n');
  });

  it('stops a template that has no end, in little time', () => {
    const started = performance.now();
    const loops = '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}';
    assert.throws(() => renderChat(loops, messages), /does not come to an end/);
    assert.ok(performance.now() - started < 5_000);
  });

  it('says why a template cannot be used', () => {
    assert.throws(() => renderChat('{% if', messages), /cannot be rendered/);
    assert.throws(() => renderChat("{{ raise_exception('no systems here') }}", messages), /no systems here/);
    assert.throws(() => renderChat(' '.repeat(70_000), messages), /70000 characters/);
    const large =
      "{% for i in range(2000) %}{{ 'x' * 1000 }}{% for j in range(1000) %}y{% endfor %}{% endfor %}";
    assert.throws(() => renderChat(large, messages), /too much text|cannot be rendered|come to an end/);
  });

  it('gives templates no way out: they see the conversation and nothing of the program', () => {
    for (const template of [
      "{{ messages.constructor.constructor('return process')().pid }}",
      "{{ ''.constructor.constructor('return 1')() }}",
      '{{ process.pid }}',
      '{{ globalThis.process.pid }}',
    ]) {
      let text = '';
      try {
        text = renderChat(template, messages);
      } catch {
        // refused, which is as good
      }
      assert.equal(text.trim(), '', template);
    }
  });
});

describe('conversation: asking a chat model for the text at the cursor', () => {
  it('shows the suffix first and the cursor’s line last, as the beginning of the answer', () => {
    const text = shape(chatInfillForm(chatMl));
    const order = ['{path}', '{suffix}', '{head}', '<|im_start|>assistant', '{line}'].map((part) =>
      text.indexOf(part),
    );
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.ok(order.every((at) => at >= 0));
    assert.ok(text.endsWith('</think>\n\n```\n{line}'), text);
    assert.equal(chatInfillForm(chatMl).usesSuffix, true);
  });

  it('lets only the template’s words become control tokens', () => {
    const { parts } = chatInfillForm(chatMl);
    assert.ok(parts.every((part) => part.kind === 'control' || part.pieces.length === 1));
  });

  it('refuses templates that drop the question, or say it twice', () => {
    assert.throws(() => chatInfillForm('Hello'), /does not show the question/);
    const twice = '{{ messages[0].content }}{{ messages[0].content }}';
    assert.throws(() => chatInfillForm(twice), /does not show the question/);
    assert.throws(() => chatInfillForm('{{ messages[0].content[:40] }}'), /does not show the question/);
  });
});
