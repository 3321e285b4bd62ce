/** Which ways of asking a model there are, by its file, and which of them is taken. */
import { chatInfillForm, ChatTemplateError } from '../conversation';
import type { EnginePort, ModelHandle, ModelInfo, TokenId } from '../engine';
import {
  headerForms,
  parseFimTemplate,
  prefixOnlyForm,
  type FimForm,
  type Strategy,
  type StrategyKind,
} from '../prompt';

/** What the setting asks for. */
export type StrategyChoice = 'auto' | StrategyKind;

export interface ModelStrategies {
  /** Prefix only is always among them. */
  readonly available: readonly Strategy[];
  /** The one that the file's header names, and the key that does; undefined = it names none. */
  readonly named: { readonly strategy: Strategy; readonly key: string } | undefined;
  /** Why a kind is not available, as a part of a sentence. */
  readonly missing: Readonly<Partial<Record<StrategyKind, string>>>;
}

/** What a probe has found out. */
export interface StrategyFinding {
  readonly kind: StrategyKind;
  /** A sentence. */
  readonly reason: string;
}

export interface ChosenStrategy {
  readonly strategy: Strategy;
  /** For people: a sentence. */
  readonly reason: string;
}

const prefixOnly: Strategy = { kind: 'prefixOnly', form: prefixOnlyForm };

/** Whether each of these control tokens is one token of the model's. */
async function knows(engine: EnginePort, model: ModelHandle, texts: readonly string[]): Promise<boolean> {
  const ids = await Promise.all(texts.map((text) => engine.findToken(model, text)));
  return ids.every((id) => id >= 0);
}

function parsed(name: string, template: string): FimForm {
  const form = parseFimTemplate(name, template);
  if (form === undefined) {
    throw new Error(`The template of "${name}" is wrong.`);
  }
  return form;
}

/**
 * The forms of models that were trained with Qwen's fill-in-the-middle tokens and do not say how. In the prefix-first one the cursor's
 * line stands behind the last token, as the beginning of the middle: typing in it then leaves the prompt before it as it was.
 */
function standardForms(withPath: boolean): readonly Strategy[] {
  const file = withPath ? '<|file_sep|>{path}\n' : '';
  return [
    {
      kind: 'suffixFirst',
      form: parsed(
        'suffix-first contiguous',
        `${file}<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}`,
      ),
    },
    {
      kind: 'prefixFirst',
      form: parsed('prefix-first', `${file}<|fim_prefix|>{head}<|fim_suffix|>{suffix}<|fim_middle|>{line}`),
    },
  ];
}

async function tokenText(engine: EnginePort, model: ModelHandle, id: TokenId): Promise<string> {
  return id < 0 ? '' : engine.detokenize(model, [id]);
}

export async function strategiesOf(
  engine: EnginePort,
  model: ModelHandle,
  info: ModelInfo,
): Promise<ModelStrategies> {
  const missing: Partial<Record<StrategyKind, string>> = {};
  const fromHeader = headerForms(info.metadata);
  const available: Strategy[] = fromHeader.map(({ order, form }) => ({ kind: order, form }));
  if (await knows(engine, model, ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'])) {
    const standard = standardForms(await knows(engine, model, ['<|file_sep|>']));
    available.push(...standard.filter(({ kind }) => !available.some((one) => one.kind === kind)));
  }
  for (const kind of ['suffixFirst', 'prefixFirst'] as const) {
    if (!available.some((one) => one.kind === kind)) {
      missing[kind] = 'the model has no tokens for it';
    }
  }
  available.push(prefixOnly);
  const template = info.metadata['tokenizer.chat_template'];
  if (template === undefined) {
    missing.chat = 'its file carries no chat template';
  } else {
    try {
      const [bos, eos] = await Promise.all([
        tokenText(engine, model, info.bos),
        tokenText(engine, model, info.eos),
      ]);
      available.push({ kind: 'chat', form: chatInfillForm(template, { bos, eos }) });
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) {
        throw error;
      }
      missing.chat = error.message;
    }
  }
  const [first] = fromHeader;
  return {
    available,
    named: first && { strategy: { kind: first.order, form: first.form }, key: first.key },
    missing,
  };
}

function withNote(chosen: ChosenStrategy, note: string): ChosenStrategy {
  return note === '' ? chosen : { ...chosen, reason: `${note} ${chosen.reason}` };
}

/** What the setting says, where the model can; else what its header says; else what the probe has found; else prefix only. */
export function chooseStrategy(
  { available, named, missing }: ModelStrategies,
  choice: StrategyChoice,
  found: StrategyFinding | undefined,
  /** Why there is no finding, as a sentence. */
  unknown: string,
): ChosenStrategy {
  const ofKind = (kind: StrategyKind): Strategy | undefined => available.find((one) => one.kind === kind);
  let note = '';
  if (choice !== 'auto') {
    const strategy = ofKind(choice);
    if (strategy !== undefined) {
      return { strategy, reason: `The setting niwaki.completion.strategy asks for it.` };
    }
    note = `The setting niwaki.completion.strategy asks for ${choice}, but ${missing[choice] ?? 'the model cannot'}.`;
  }
  if (named !== undefined) {
    return withNote({ strategy: named.strategy, reason: `The model's file names it (${named.key}).` }, note);
  }
  const strategy = found && ofKind(found.kind);
  if (strategy !== undefined) {
    return withNote({ strategy, reason: found?.reason ?? '' }, note);
  }
  return withNote({ strategy: prefixOnly, reason: unknown }, note);
}
