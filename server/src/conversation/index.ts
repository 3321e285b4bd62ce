/** Talking to models that were made to chat. */
export {
  freedShare,
  planConversation,
  type ConversationPlan,
  type PlanRequest,
  type SummaryStep,
  type TurnTokens,
} from './budget';
export * from './chatFormat';
export * from './chatInfill';
export * from './chatTemplate';
export * from './messages';
export { splitThought, ThoughtSplitter, type SaidPart } from './thoughts';
export { cleanSummary, summaryPrompt, withSummary } from './summary';
export {
  parseToolCalls,
  toolSyntaxOf,
  type SaidCalls,
  type ToolCallProblem,
  type ToolSyntax,
} from './toolCalls';
