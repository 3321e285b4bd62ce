/** The syntax tree of a template, as @huggingface/jinja parses it. What it means is ours: evaluate.ts. */
import { Template } from '@huggingface/jinja';

export type Expression =
  | { readonly type: 'IntegerLiteral' | 'FloatLiteral'; readonly value: number }
  | { readonly type: 'StringLiteral'; readonly value: string }
  | { readonly type: 'ArrayLiteral' | 'TupleLiteral'; readonly value: readonly Expression[] }
  | { readonly type: 'ObjectLiteral'; readonly value: ReadonlyMap<Expression, Expression> }
  | Identifier
  | {
      readonly type: 'MemberExpression';
      readonly object: Expression;
      readonly property: Expression;
      readonly computed: boolean;
    }
  | {
      readonly type: 'SliceExpression';
      readonly start?: Expression;
      readonly stop?: Expression;
      readonly step?: Expression;
    }
  | Call
  | {
      readonly type: 'BinaryExpression';
      readonly operator: { readonly value: string };
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: 'UnaryExpression';
      readonly operator: { readonly value: string };
      readonly argument: Expression;
    }
  | { readonly type: 'FilterExpression'; readonly operand: Expression; readonly filter: Identifier | Call }
  | {
      readonly type: 'TestExpression';
      readonly operand: Expression;
      readonly negate: boolean;
      readonly test: Identifier;
    }
  | { readonly type: 'SelectExpression'; readonly lhs: Expression; readonly test: Expression }
  | {
      readonly type: 'Ternary';
      readonly condition: Expression;
      readonly trueExpr: Expression;
      readonly falseExpr: Expression;
    }
  | KeywordArgument
  | { readonly type: 'SpreadExpression' | 'KeywordSpreadExpression'; readonly argument: Expression };

export interface Identifier {
  readonly type: 'Identifier';
  readonly value: string;
}

export interface Call {
  readonly type: 'CallExpression';
  readonly callee: Expression;
  readonly args: readonly Expression[];
}

export interface KeywordArgument {
  readonly type: 'KeywordArgumentExpression';
  readonly key: Identifier;
  readonly value: Expression;
}

export type Parameter = Identifier | KeywordArgument;

export type Statement =
  | Expression
  | {
      readonly type: 'If';
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly alternate: readonly Statement[];
    }
  | {
      readonly type: 'For';
      readonly loopvar: Expression;
      readonly iterable: Expression;
      readonly body: readonly Statement[];
      readonly defaultBlock: readonly Statement[];
    }
  | { readonly type: 'Break' | 'Continue' }
  | {
      readonly type: 'Set';
      readonly assignee: Expression;
      readonly value: Expression | null;
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'Macro';
      readonly name: Identifier;
      readonly args: readonly Parameter[];
      readonly body: readonly Statement[];
    }
  | { readonly type: 'Comment'; readonly value: string }
  | {
      readonly type: 'CallStatement';
      readonly call: Call;
      readonly callerArgs: readonly Parameter[] | null;
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'FilterStatement';
      readonly filter: Identifier | Call;
      readonly body: readonly Statement[];
    };

/** Throws an Error that says what is wrong. With trim_blocks and lstrip_blocks, as chat templates are read. */
export function parseTemplate(source: string): readonly Statement[] {
  return (new Template(source).parsed as unknown as { readonly body: readonly Statement[] }).body;
}
