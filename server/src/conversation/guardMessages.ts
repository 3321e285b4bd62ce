/** Messages and tools as a template gets them: all that others wrote is marked, and nothing else. */
import type { TokenId } from '../engine';
import { ChatTemplateError } from './chatTemplate';
import type { Guard } from './guard';
import { region } from './marks';
import type { PromptMessage, ToolCall, ToolDefinition } from './messages';

/** `said`: messages whose ids are taken; what they say is found again by their number. */
export function guardMessages(
  guard: Guard,
  messages: readonly PromptMessage[],
  said: ReadonlyMap<number, readonly TokenId[]> = new Map(),
): PromptMessage[] {
  return messages.map((message, number): PromptMessage => {
    const content = guard.mark(message.content);
    switch (message.role) {
      case 'tool':
        return { role: 'tool', name: guard.mark(message.name), content };
      case 'assistant': {
        const { thinking = '', toolCalls = [] } = message;
        return {
          role: 'assistant',
          content: said.has(number) ? region(number, content) : content,
          ...(thinking === '' ? {} : { thinking: guard.mark(thinking) }),
          ...(toolCalls.length === 0 ? {} : { toolCalls: toolCalls.map((call) => guardCall(guard, call)) }),
        };
      }
      case 'system':
      case 'user':
        return { role: message.role, content };
      default:
        // What comes from a file may hold anything, and a role is shown unguarded.
        throw new ChatTemplateError(`nobody is called ${JSON.stringify((message as PromptMessage).role)}`);
    }
  });
}

function guardCall(guard: Guard, call: ToolCall): ToolCall {
  const entries = Object.entries(call.arguments);
  return {
    name: guard.mark(call.name),
    arguments: Object.fromEntries(entries.map(([key, value]) => [guard.mark(key), guard.markJson(value)])),
  };
}

/** Definitions with their texts and names marked. */
export function guardTools(guard: Guard, tools: readonly ToolDefinition[]): ToolDefinition[] {
  return tools.map(({ name, description, parameters }) => ({
    name: guard.mark(name),
    description: guard.mark(description),
    parameters: guard.markJson(parameters),
  }));
}
