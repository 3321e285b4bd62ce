/**
 * What a template means: Jinja2's rules, as Python has them. The tree is @huggingface/jinja's; its own evaluation differs from Python's in
 * many corners (arguments of strip, True and 1.0 in texts, scopes of loops, what yields), and templates were made with Python.
 *
 * A template can do nothing but make text of what it is given, in bounded steps and with bounded text.
 */
import type { Call, Expression, Identifier, Parameter, Statement } from './nodes';
import { filterNamed, loopItems, type FilterContext } from './filters';
import { itemOf, sliceOf } from './access';
import { methodOf } from './methods';
import { binary } from './operators';
import type { Room } from './room';
import { Scope } from './scope';
import type { TextSearch } from './text';
import { testNamed } from './tests';
import {
  Callable,
  fault,
  isDict,
  isTrue,
  Namespace,
  numberOf,
  str,
  Tuple,
  typeName,
  Float,
  type Keywords,
  type Value,
} from './values';

class LeaveLoop extends Error {
  constructor(readonly goesOn: boolean) {
    super('outside a loop');
  }
}

const constants: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

interface Arguments {
  readonly args: readonly Value[];
  readonly keywords: Keywords;
}

export class Evaluator {
  private readonly filters: FilterContext;

  constructor(
    private readonly room: Room,
    private readonly search: TextSearch,
  ) {
    this.filters = {
      search,
      attribute: (value, name) => itemOf(value, name, search),
      filter: (name, value, args, keywords) => this.filtered(name, value, { args, keywords }),
    };
  }

  run(body: readonly Statement[], variables: ReadonlyMap<string, Value>): string {
    const globals = new Scope();
    for (const [name, value] of variables) {
      globals.set(name, value);
    }
    return this.block(body, new Scope(globals));
  }

  private block(body: readonly Statement[], scope: Scope): string {
    const out: string[] = [];
    this.write(body, scope, out);
    return this.room.text(out.join(''));
  }

  /** Where a loop is left in the middle, what it had written stays. */
  private write(body: readonly Statement[], scope: Scope, out: string[]): void {
    for (const statement of body) {
      this.room.step();
      switch (statement.type) {
        case 'If':
          this.write(
            isTrue(this.value(statement.test, scope)) ? statement.body : statement.alternate,
            scope,
            out,
          );
          break;
        case 'For':
          this.loop(statement, scope, out);
          break;
        case 'Set':
          this.assign(statement, scope);
          break;
        case 'Macro':
          scope.set(
            statement.name.value,
            this.macro(statement.name.value, statement.args, statement.body, scope),
          );
          break;
        case 'CallStatement': {
          const caller = this.macro('caller', statement.callerArgs ?? [], statement.body, scope);
          const { args, keywords } = this.argumentsOf(statement.call, scope);
          const called = this.value(statement.call.callee, scope);
          out.push(str(this.called(called, { args, keywords: new Map([...keywords, ['caller', caller]]) })));
          break;
        }
        case 'FilterStatement':
          out.push(str(this.applied(statement.filter, this.block(statement.body, new Scope(scope)), scope)));
          break;
        case 'Break':
        case 'Continue':
          throw new LeaveLoop(statement.type === 'Continue');
        case 'Comment':
          break;
        default:
          out.push(this.room.text(str(this.value(statement, scope))));
      }
    }
  }

  private loop(node: Extract<Statement, { type: 'For' }>, scope: Scope, out: string[]): void {
    const { iterable, loopvar } = node;
    const filtered = iterable.type === 'SelectExpression' ? iterable : undefined;
    const all = loopItems(this.value(filtered?.lhs ?? iterable, scope));
    const bind = (item: Value): Scope => {
      this.room.step();
      const inner = new Scope(scope);
      this.bind(loopvar, item, inner);
      return inner;
    };
    const items =
      filtered === undefined ? all : all.filter((item) => isTrue(this.value(filtered.test, bind(item))));
    if (items.length === 0) {
      this.write(node.defaultBlock, new Scope(scope), out);
    }
    for (const [i, item] of items.entries()) {
      const inner = bind(item);
      inner.set('loop', this.loopState(items, i));
      try {
        this.write(node.body, inner, out);
      } catch (error) {
        if (!(error instanceof LeaveLoop)) {
          throw error;
        }
        if (!error.goesOn) {
          return;
        }
      }
    }
  }

  private loopState(items: readonly Value[], i: number): Namespace {
    return new Namespace(
      new Map<string, Value>([
        ['index', i + 1],
        ['index0', i],
        ['revindex', items.length - i],
        ['revindex0', items.length - i - 1],
        ['first', i === 0],
        ['last', i === items.length - 1],
        ['length', items.length],
        ['previtem', items[i - 1]],
        ['nextitem', items[i + 1]],
        ['depth', 1],
        ['depth0', 0],
        ['cycle', new Callable('cycle', (args) => args[i % Math.max(1, args.length)])],
      ]),
    );
  }

  private bind(target: Expression, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') {
      scope.set(target.value, value);
    } else if (target.type === 'TupleLiteral') {
      const items = loopItems(value);
      if (items.length !== target.value.length) {
        fault(`there are ${String(items.length)} values for ${String(target.value.length)} names`);
      }
      target.value.forEach((name, i) => {
        this.bind(name, items[i], scope);
      });
    } else if (
      target.type === 'MemberExpression' &&
      target.property.type === 'Identifier' &&
      !target.computed
    ) {
      const object = this.value(target.object, scope);
      if (!(object instanceof Namespace)) {
        fault('cannot assign attribute on non-namespace object');
      }
      object.values.set(target.property.value, value);
    } else {
      fault('this cannot be assigned to');
    }
  }

  private assign({ assignee, value, body }: Extract<Statement, { type: 'Set' }>, scope: Scope): void {
    this.bind(
      assignee,
      value === null ? this.block(body, new Scope(scope)) : this.value(value, scope),
      scope,
    );
  }

  private macro(
    name: string,
    parameters: readonly Parameter[],
    body: readonly Statement[],
    scope: Scope,
  ): Callable {
    const mentions = (special: string): boolean => JSON.stringify(body).includes(`"${special}"`);
    const [takesMore, takesAny] = [mentions('varargs'), mentions('kwargs')];
    return new Callable(name, (args, keywords) => {
      this.room.enter();
      const inner = new Scope(scope);
      const rest = new Map(keywords);
      const defaults: (readonly [string, Expression])[] = [];
      parameters.forEach((parameter, i) => {
        const own = parameter.type === 'Identifier' ? parameter.value : parameter.key.value;
        const given = i < args.length || rest.has(own);
        inner.set(own, i < args.length ? args[i] : rest.get(own));
        rest.delete(own);
        if (!given && parameter.type !== 'Identifier') {
          defaults.push([own, parameter.value]);
        }
      });
      inner.set('caller', rest.get('caller'));
      rest.delete('caller');
      if (args.length > parameters.length && !takesMore) {
        fault(`macro '${name}' takes not more than ${String(parameters.length)} argument(s)`);
      }
      if (rest.size > 0 && !takesAny) {
        fault(`macro '${name}' takes no keyword argument '${[...rest.keys()].join("', '")}'`);
      }
      inner.set('varargs', new Tuple(args.slice(parameters.length)));
      inner.set('kwargs', rest);
      for (const [own, value] of defaults) {
        inner.set(own, this.value(value, inner));
      }
      const text = this.block(body, inner);
      this.room.leave();
      return text;
    });
  }

  // --------------------------------------------------------------------------------------------------- expressions

  private value(node: Expression, scope: Scope): Value {
    this.room.step();
    switch (node.type) {
      case 'IntegerLiteral':
      case 'StringLiteral':
        return node.value;
      case 'FloatLiteral':
        return new Float(node.value);
      case 'ArrayLiteral':
        return node.value.map((item) => this.value(item, scope));
      case 'TupleLiteral':
        return new Tuple(node.value.map((item) => this.value(item, scope)));
      case 'ObjectLiteral':
        return new Map(
          Array.from(node.value, ([key, item]) => [
            this.key(this.value(key, scope)),
            this.value(item, scope),
          ]),
        );
      case 'Identifier':
        return Object.hasOwn(constants, node.value) ? constants[node.value] : scope.get(node.value);
      case 'MemberExpression':
        return this.member(node, scope);
      case 'CallExpression':
        return this.called(this.value(node.callee, scope), this.argumentsOf(node, scope));
      case 'BinaryExpression':
        return this.binary(node, scope);
      case 'UnaryExpression':
        return this.unary(node.operator.value, this.value(node.argument, scope));
      case 'FilterExpression':
        return this.applied(node.filter, this.value(node.operand, scope), scope);
      case 'TestExpression': {
        const test = testNamed(node.test.value);
        return test(this.value(node.operand, scope), undefined, this.search) !== node.negate;
      }
      case 'SelectExpression':
        return isTrue(this.value(node.test, scope)) ? this.value(node.lhs, scope) : undefined;
      case 'Ternary':
        return this.value(isTrue(this.value(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
      default:
        return fault(`${node.type} has no value`);
    }
  }

  private binary(node: Extract<Expression, { type: 'BinaryExpression' }>, scope: Scope): Value {
    const left = this.value(node.left, scope);
    if (node.operator.value === 'and') {
      return isTrue(left) ? this.value(node.right, scope) : left;
    }
    if (node.operator.value === 'or') {
      return isTrue(left) ? left : this.value(node.right, scope);
    }
    return binary(node.operator.value, left, this.value(node.right, scope), this.search, this.room);
  }

  private unary(operator: string, value: Value): Value {
    if (operator === 'not') {
      return !isTrue(value);
    }
    const number = numberOf(value) ?? fault(`bad operand type for unary ${operator}: '${typeName(value)}'`);
    const signed = operator === '-' ? -number : number;
    return value instanceof Float ? new Float(signed) : signed + 0;
  }

  private key(value: Value): string {
    return typeof value === 'string' ? value : fault('the keys of a dict are texts here');
  }

  private member(node: Extract<Expression, { type: 'MemberExpression' }>, scope: Scope): Value {
    const object = this.value(node.object, scope);
    const { property } = node;
    if (property.type === 'SliceExpression') {
      const [start, stop, step] = [property.start, property.stop, property.step].map((part) =>
        part === undefined ? undefined : this.value(part, scope),
      );
      return sliceOf(object, start, stop, step);
    }
    if (node.computed) {
      return itemOf(object, this.value(property, scope), this.search);
    }
    const name =
      property.type === 'Identifier' ? property.value : (property as { readonly value: number }).value;
    if (object === undefined) {
      return fault(`'${this.nameOf(node.object)}' is undefined`);
    }
    if (typeof name === 'number') {
      return itemOf(object, name, this.search);
    }
    return methodOf(object, name, this.search) ?? itemOf(object, name, this.search);
  }

  private nameOf(node: Expression): string {
    return node.type === 'Identifier'
      ? node.value
      : node.type === 'MemberExpression' && node.property.type === 'Identifier'
        ? node.property.value
        : 'what is asked';
  }

  private argumentsOf({ args: nodes }: Call, scope: Scope): Arguments {
    const args: Value[] = [];
    const keywords = new Map<string, Value>();
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') {
        keywords.set(node.key.value, this.value(node.value, scope));
      } else if (node.type === 'SpreadExpression') {
        args.push(...loopItems(this.value(node.argument, scope)));
      } else if (node.type === 'KeywordSpreadExpression') {
        const more = this.value(node.argument, scope);
        for (const [key, value] of isDict(more) ? more : fault('only a dict can be spread so')) {
          keywords.set(key, value);
        }
      } else {
        args.push(this.value(node, scope));
      }
    }
    return { args, keywords };
  }

  private called(callee: Value, { args, keywords }: Arguments): Value {
    if (!(callee instanceof Callable)) {
      return fault(`'${typeName(callee)}' object is not callable`);
    }
    const result = callee.call(args, keywords);
    return typeof result === 'string' ? this.room.text(result) : result;
  }

  private applied(filter: Identifier | Call, value: Value, scope: Scope): Value {
    if (filter.type === 'Identifier') {
      return this.filtered(filter.value, value, { args: [], keywords: new Map() });
    }
    return filter.callee.type === 'Identifier'
      ? this.filtered(filter.callee.value, value, this.argumentsOf(filter, scope))
      : fault('a filter has a name');
  }

  private filtered(name: string, value: Value, { args, keywords }: Arguments): Value {
    const result = filterNamed(name)(value, args, keywords, this.filters);
    return typeof result === 'string' ? this.room.text(result) : result;
  }
}
