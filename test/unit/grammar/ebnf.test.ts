import * as assert from 'node:assert/strict';
import { follows } from '../../../server/src/grammar/closing';
import { parseEbnf } from '../../../server/src/grammar/ebnf';
import { GrammarError } from '../../../server/src/grammar/grammar';

describe('grammar: its notation', () => {
  it('reads every kind of expression', () => {
    const grammar = parseEbnf(String.raw`
      # A list of greetings.
      root ::= greeting (", " greeting)* "."?   # and a stop
      greeting ::= ("Hallo" | "Ol\u00e1" | "\x47ood" [ \t] "day") " " name
      name ::= [A-Z] [^ ,.\]]{1,8} | "\"" [a-c\-]{2} "\"" | digits
      digits ::= [0-9]+
        | "#" [0-9]{2,}
    `);
    for (const text of ['Hallo Bob', 'Olá Zoë, Good day "a-".', 'Good\tday 42, Hallo #12345.']) {
      assert.ok(follows(grammar, text), text);
    }
    for (const text of [
      'Hallo',
      'Hallo bob',
      'Hallo B',
      'Hallo "abc"',
      'Hallo #1',
      'Hallo Bob,Hallo Bob',
      'Hallo B]b',
    ]) {
      assert.ok(!follows(grammar, text), text);
    }
  });

  it('takes another root, and says what is wrong and where', () => {
    assert.ok(follows(parseEbnf('a ::= "x" b\nb ::= "y"', 'b'), 'y'));
    const wrong: [string, RegExp][] = [
      ['a ::= "x"', /no rule "root"/],
      ['root ::= "x', /a " is missing \(line 1\)/],
      ['root ::= [a', /a ] is missing/],
      ['root ::= "a"\nroot ::= "b"', /twice \(line 2\)/],
      ['root ::= ("a"', /a "\)" is missing/],
      ['root ::= "a" )', /a rule .* is expected/],
      ['root ::= [z-a]', /ends before it begins/],
      [String.raw`root ::= "\xZZ"`, /hexadecimal/],
    ];
    for (const [source, message] of wrong) {
      assert.throws(
        () => parseEbnf(source),
        (error) => error instanceof GrammarError && message.test(error.message),
        source,
      );
    }
  });
});
