/** How a model's sessions store what they have read: the codec, the context that fits the memory, and both in words. */
import type { EnginePort, KvCalibrationSource, KvCodec, ModelInfo } from '../engine';

/** Codecs of fewer bits than careful layers keep. */
const spared: readonly KvCodec[] = ['kv4', 'kv43', 'kv3'];

export interface KvSettings {
  readonly kvCodec: KvCodec;
  /** 0 = automatic. */
  readonly kvMemoryMB: number;
  /** 0 = no limit besides the model's own and the memory. */
  readonly maxContextTokens: number;
}

export interface KvPlan {
  readonly codec: KvCodec;
  /** Layers that keep 8 bits a value, because the calibration says that the codec would do most of its damage there. */
  readonly carefulLayers: number;
  /** Tokens that one session may hold. */
  readonly context: number;
  /** Bytes that a session with that many tokens holds. */
  readonly bytes: number;
  /** Bytes that all sessions together may hold. */
  readonly budget: number;
  /** A sentence that says why something is not as the settings ask; '' = it is. */
  readonly note: string;
}

/** Fewer tokens are no context at all. */
const smallestContext = 256;
/** Of source code, on average. */
const tokensPerLine = 9;

/**
 * The context is the least of the model's own, of what the budget has room for, and of the user's limit. `careful`: how many layers
 * are careful by the calibration in use. They take twice the room, so another calibration needs another plan.
 */
export async function planKv(
  engine: EnginePort,
  info: ModelInfo,
  { kvCodec, maxContextTokens }: KvSettings,
  budget: number,
  careful = info.kvCarefulLayers,
): Promise<KvPlan> {
  const fits = await engine.kvFits(info, kvCodec);
  const codec = fits ? kvCodec : 'f16';
  const carefulLayers = spared.includes(codec) ? careful : 0;
  const byMemory = await engine.kvTokensWithin(info, codec, Math.floor(budget), carefulLayers);
  const byUser = maxContextTokens > 0 ? maxContextTokens : Infinity;
  const context = Math.min(info.contextLength, Math.max(smallestContext, Math.min(byMemory, byUser)));
  const notes = [
    ...(fits
      ? []
      : [
          `The KV cache is kept in half precision (f16): this model's heads have ${String(info.headSize)} values, and ` +
            `${kvCodec} needs 32, 64, 128 or 256.`,
        ]),
    ...(Math.min(byMemory, byUser) < context
      ? [`The settings leave room for fewer tokens than the ${String(smallestContext)} that a context needs at least; it has these.`]
      : []),
  ];
  return {
    codec,
    carefulLayers,
    context,
    bytes: await engine.kvBytesFor(info, codec, context, carefulLayers),
    budget,
    note: notes.join(' '),
  };
}

/** 1.2 GB, 40 MB. */
export function sizeInWords(bytes: number): string {
  return bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(1)} GB`
    : `${String(Math.max(1, Math.round(bytes / 1e6)))} MB`;
}

/** "32,768 tokens (about 3,600 lines), KV cache kv4, up to 1.2 GB" */
export function contextInWords({ context, codec, bytes }: KvPlan): string {
  const count = (n: number): string => n.toLocaleString('en-US');
  const lines = context / tokensPerLine;
  const rounded = lines < 1000 ? Math.round(lines / 10) * 10 : Math.round(lines / 100) * 100;
  const size = sizeInWords(bytes);
  return `${count(context)} tokens (about ${count(rounded)} lines), KV cache ${codec}, up to ${size}`;
}

/** Where what is known of the model's keys comes from, as a clause. */
export function calibrationInWords({ codec, carefulLayers }: KvPlan, source: KvCalibrationSource): string {
  if (codec === 'f16') {
    return 'half precision needs no calibration';
  }
  if (source === 'norms') {
    return "not calibrated yet: by the model's norm weights alone";
  }
  const layers = `${String(carefulLayers)} ${carefulLayers === 1 ? 'layer' : 'layers'}`;
  return carefulLayers === 0 ? 'calibrated on a text' : `calibrated on a text, ${layers} at 8 bits`;
}
