/**
 * Answers that call tools: text, and calls in the form that a model's chat template shows it, whose arguments are valid by the tool's
 * schema.
 */
import {
  choice,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Grammar,
  type Tag,
} from '../../grammar/grammar';
import { defaultBounds, type JsonBounds } from './bounds';
import { SchemaRules } from './jsonSchema';
import type { JsonSchema } from './schemaWords';

export interface Tool {
  readonly name: string;
  /** Of the arguments, which are one object. */
  readonly parameters: JsonSchema;
}

/** How a call is written. */
export interface CallForm {
  /** What stands before a call and tells it from text; '' = a call begins the answer, and there is no text before it. */
  readonly begin: string;
  readonly end: string;
  /** Between two calls, where one answer may have several. */
  readonly between: string;
  /** Keys of the call's object: of the tool's name and of its arguments. */
  readonly nameKey: string;
  readonly argumentsKey: string;
}

/** Hermes 2 Pro and the Qwen models: <tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>. */
export const hermesCalls: CallForm = {
  begin: '<tool_call>\n',
  end: '\n</tool_call>',
  between: '\n',
  nameKey: 'name',
  argumentsKey: 'arguments',
};
/** Llama 3.1: the answer is the call. */
export const llamaCalls: CallForm = {
  begin: '',
  end: '',
  between: '; ',
  nameKey: 'name',
  argumentsKey: 'parameters',
};

export interface ToolCallOptions {
  readonly form?: CallForm;
  readonly bounds?: Partial<JsonBounds>;
  /**
   * 'may': text, and calls at any place in it (with a form that begins with nothing: text or calls); 'must': text that ends with a call
   * at least; 'only': calls and nothing else.
   */
  readonly calls?: 'may' | 'must' | 'only';
  /** How many calls an answer may have at the most; 1 when absent. Text with calls in it may have any number. */
  readonly most?: number;
}

/** Throws SchemaError, and Error where there is no tool or two of one name. */
export function toolCallGrammar(tools: readonly Tool[], options: ToolCallOptions = {}): Grammar {
  const { form = hermesCalls, calls = 'only', most = 1 } = options;
  const names = new Set(tools.map(({ name }) => name));
  if (tools.length === 0 || names.size < tools.length) {
    throw new Error(tools.length === 0 ? 'There is no tool to call.' : 'Two tools have the same name.');
  }
  // Behind a colon and a comma: how templates show calls, so that most of one is known beforehand.
  const bounds = { ...defaultBounds, whitespace: 'spaced' as const, ...options.bounds };
  const rules: Record<string, Expression> = {};
  const bodies = tools.map((tool, i) => callBody(tool, form, bounds, rules, `tool${String(i)}`));
  rules['call'] = sequence(choice(...bodies), text(form.end));
  const call = sequence(text(form.begin), rule('call'));
  const all = sequence(call, repeat(sequence(text(form.between), call), 0, most - 1));
  const tags: readonly Tag[] = form.begin === '' ? [] : [{ begin: form.begin, then: rule('call') }];
  rules['root'] =
    calls === 'only' || (calls === 'must' && tags.length === 0)
      ? all
      : tags.length === 0
        ? choice(all, { kind: 'free', tags })
        : { kind: 'free', tags, required: calls === 'must' };
  return { root: 'root', rules };
}

function callBody(
  { name, parameters }: Tool,
  { nameKey, argumentsKey }: CallForm,
  bounds: JsonBounds,
  rules: Record<string, Expression>,
  prefix: string,
): Expression {
  const space = bounds.whitespace === 'compact' ? '' : ' ';
  const head = `{${JSON.stringify(nameKey)}:${space}${JSON.stringify(name)},${space}${JSON.stringify(argumentsKey)}:${space}`;
  return sequence(text(head), new SchemaRules(parameters, bounds, rules, prefix).root(), text('}'));
}

/**
 * Text, in which each of `tags` may stand any number of times: where its `begin` was said, what follows is by its grammar, then `end`.
 * With `required` once at least.
 */
export function taggedGrammar(
  tags: readonly { readonly begin: string; readonly content: Grammar; readonly end: string }[],
  required = false,
): Grammar {
  const rules: Record<string, Expression> = {};
  const free: readonly Tag[] = tags.map(({ begin, content, end }, i) => ({
    begin,
    then: sequence(embed(content, `tag${String(i)}-`, rules), text(end)),
  }));
  rules['root'] = { kind: 'free', tags: free, required };
  return { root: 'root', rules };
}

/** Copies a grammar's rules under names that begin with `prefix`; what comes back says its text. */
export function embed(grammar: Grammar, prefix: string, rules: Record<string, Expression>): Expression {
  const renamed = (expression: Expression): Expression => {
    switch (expression.kind) {
      case 'rule':
        return rule(prefix + expression.name);
      case 'sequence':
      case 'choice':
        return { kind: expression.kind, of: expression.of.map(renamed) };
      case 'repeat':
        return { ...expression, of: renamed(expression.of) };
      case 'free':
        return {
          ...expression,
          tags: expression.tags.map(({ begin, then }) => ({ begin, then: renamed(then) })),
        };
      case 'pieces':
        return { ...expression, begin: renamed(expression.begin), then: renamed(expression.then) };
      case 'text':
      case 'character':
      case 'lines':
        return expression;
    }
  };
  for (const [name, expression] of Object.entries(grammar.rules)) {
    rules[prefix + name] = renamed(expression);
  }
  return rule(prefix + grammar.root);
}
