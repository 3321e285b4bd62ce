/** Forms that answers may be made to have: grammars for EnginePort's `constraint`. Pure functions. */
export { defaultBounds, type JsonBounds } from './bounds';
export { jsonSchemaGrammar } from './jsonSchema';
export { SchemaError, type JsonSchema } from './schemaWords';
export {
  embed,
  hermesCalls,
  llamaCalls,
  taggedGrammar,
  toolCallGrammar,
  type CallForm,
  type Tool,
  type ToolCallOptions,
} from './toolCalls';
