/** The engine's room: all that the rest of the server may use of it. */
export * from './port';
export { cancelled, isCancelled, toEngineError } from './errors';
export { calibrateKv, measureKv, type JobOptions } from './jobs';
export { createNativeEngine, type NativeEngineOptions } from './nativeEngine';
export { ScriptedEngine, type ScriptedOptions, type ScriptedPrompt, type ScriptedRun } from './scripted';
export { SelfTestError, type SelfTestFailure, type SelfTestReport } from './selfTest';
export { EngineSession, LatestWins, type GenerateOptions, type SessionRequest } from './session';
