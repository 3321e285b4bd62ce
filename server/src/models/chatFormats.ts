/** How the models that talk are talked to: the format of the one that was asked for last is kept. */
import { ChatFormat } from '../conversation';
import { EngineError, type EnginePort } from '../engine';
import type { ChatModel } from './chatModel';
import type { LoadedModel } from './modelHost';

/** Weights from which reading them once for several tokens pays, as with completions. */
const weightsForLookup = 500e6;

/** Whether drafts from the prompt make the model faster. */
export function lookupPays({ info }: Pick<LoadedModel, 'info'>): boolean {
  return info.parameters >= weightsForLookup;
}

export class ChatFormats {
  private readonly formats = new Map<number, Promise<ChatFormat | undefined>>();

  constructor(
    private readonly engine: EnginePort,
    private readonly model: ChatModel,
  ) {}

  /** The model's format; rejects with a sentence where it cannot be talked to. */
  async of({ handle, info }: LoadedModel): Promise<ChatFormat> {
    let format = this.formats.get(handle);
    if (format === undefined) {
      format = ChatFormat.of(this.engine, handle, info);
      this.formats.clear();
      this.formats.set(handle, format);
    }
    try {
      const found = await format;
      if (found === undefined) {
        throw new EngineError('unsupported', `${info.name} has no chat template: it was not made to talk.`);
      }
      this.model.learned({ canThink: found.canThink, problem: '' });
      return found;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const problem = reason.includes(info.name) ? reason : `${info.name} cannot be talked to: ${reason}.`;
      this.model.learned({ canThink: false, problem });
      throw new EngineError('unsupported', problem);
    }
  }
}
