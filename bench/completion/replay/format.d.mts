export type RecordedEvent = { readonly t: number } & (
  | {
      readonly type: 'open';
      readonly doc: string;
      readonly language: string;
      readonly text: string;
      readonly cursor?: number;
    }
  | { readonly type: 'show' | 'close'; readonly doc: string }
  | { readonly type: 'move'; readonly to: number }
  | {
      readonly type: 'edit';
      readonly at: number;
      readonly delete?: number;
      readonly insert?: string;
      readonly cursor?: number;
      readonly by?: 'command';
    }
);

export interface Recording {
  readonly title: string;
  readonly source: string;
  readonly events: readonly RecordedEvent[];
}

export class Documents {
  readonly open: Map<string, { text: string; cursor: number; readonly language: string }>;
  shown: string | undefined;
  get current(): { text: string; cursor: number; readonly language: string };
  apply(event: RecordedEvent): void;
}

export function writeRecording(recording: Recording): string;
export function readRecording(text: string): Recording;
export function checkRecording(recording: Recording): void;
export function isKey(event: RecordedEvent): boolean;
