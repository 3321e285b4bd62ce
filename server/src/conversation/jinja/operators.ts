/** Operators with two sides, with Python's meaning. */
import type { Room } from './room';
import { lengthOf, type TextSearch } from './text';
import { isIn } from './tests';
import { compare, fault, Float, isEqual, isList, numberOf, str, Tuple, typeName, type Value } from './values';

function arithmetic(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '**':
      return a ** b;
    default:
      break;
  }
  if (b === 0) {
    return fault('division by zero');
  }
  // Both go towards minus infinity.
  return operator === '/' ? a / b : operator === '//' ? Math.floor(a / b) : a - b * Math.floor(a / b);
}

function repeated(value: Value, times: Value, room: Room): Value {
  const count = Math.max(0, numberOf(times) ?? 0);
  if (typeof value === 'string') {
    room.allow(lengthOf(value) * count);
    return value.repeat(count);
  }
  if (isList(value)) {
    room.allow(value.length * count);
    return Array.from({ length: count }, () => value).flat();
  }
  return fault(`can't multiply ${typeName(value)} and ${typeName(times)}`);
}

function sum(left: Value, right: Value, room: Room): Value {
  if (typeof left === 'string' && typeof right === 'string') {
    room.allow(left.length + right.length);
    return left + right;
  }
  if (isList(left) && isList(right)) {
    room.allow(left.length + right.length);
    return [...left, ...right];
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    room.allow(left.items.length + right.items.length);
    return new Tuple([...left.items, ...right.items]);
  }
  return fault(`can't add ${typeName(right)} to ${typeName(left)}`);
}

export function binary(operator: string, left: Value, right: Value, search: TextSearch, room: Room): Value {
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case '<':
      return compare(left, right) < 0;
    case '>':
      return compare(left, right) > 0;
    case '<=':
      return compare(left, right) <= 0;
    case '>=':
      return compare(left, right) >= 0;
    case 'in':
      return isIn(left, right, search);
    case 'not in':
      return !isIn(left, right, search);
    case '~': {
      const [a, b] = [str(left), str(right)];
      room.allow(a.length + b.length);
      return a + b;
    }
    default:
      break;
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    const result = arithmetic(operator, a, b);
    const isFloat =
      left instanceof Float || right instanceof Float || operator === '/' || (operator === '**' && b < 0);
    return isFloat ? new Float(result) : result;
  }
  if (operator === '+') {
    return sum(left, right, room);
  }
  if (operator === '*') {
    return a === undefined ? repeated(left, right, room) : repeated(right, left, room);
  }
  return fault(`unsupported operand types for ${operator}: ${typeName(left)} and ${typeName(right)}`);
}
