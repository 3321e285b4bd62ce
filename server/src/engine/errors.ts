/** Errors of the addon and of wrong use, as the EngineError that the port promises. */
import { EngineError, type EngineErrorCode } from './port';

const codes: Readonly<Record<EngineErrorCode, true>> = {
  invalid_argument: true,
  not_found: true,
  bad_file: true,
  unsupported: true,
  out_of_memory: true,
  context_overflow: true,
  cancelled: true,
  internal: true,
};

function isEngineErrorCode(code: unknown): code is EngineErrorCode {
  return typeof code === 'string' && Object.hasOwn(codes, code);
}

/** An error of the addon carries one of the codes; anything else is a bug of ours. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const evaluated: unknown = error instanceof Error && 'evaluated' in error ? error.evaluated : undefined;
  return new EngineError(
    isEngineErrorCode(code) ? code : 'internal',
    message,
    typeof evaluated === 'number' ? evaluated : 0,
  );
}

export function isCancelled(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'cancelled';
}

export function invalidArgument(message: string): EngineError {
  return new EngineError('invalid_argument', message);
}

export function cancelled(evaluated = 0): EngineError {
  return new EngineError('cancelled', 'The request was cancelled.', evaluated);
}
