/** What predictors say at cursors, judged; what the peer said in earlier runs is kept, because it takes long and never changes. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { confirmed, exact, firstLine, similarity } from './metrics.mjs';

/** A proposal at a cursor as a row of figures. */
export function judged({ text, confidence = 0, ...more }, cut) {
  return {
    ...{ said: text, confidence, exact: exact(text, cut.expected), confirmed: confirmed(text, cut.follows) },
    similarity: similarity(firstLine(text), cut.expected),
    ...(more.proposer !== undefined && { proposer: more.proposer }),
  };
}

/** Answers of something that always says the same, in a file by what was asked. */
export class Kept {
  #path;
  #answers;
  #unsaved = 0;
  /** Answers that came from the file. */
  found = 0;

  constructor(path) {
    this.#path = path;
    this.#answers = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  }

  async get(question, ask) {
    const key = createHash('sha256').update(JSON.stringify(question)).digest('base64url');
    if (Object.hasOwn(this.#answers, key)) {
      this.found += 1;
    } else {
      this.#answers[key] = await ask();
      this.#unsaved += 1;
      if (this.#unsaved >= 50) {
        this.save(); // a run that is ended early has not asked for nothing
      }
    }
    return this.#answers[key];
  }

  save() {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.part`, JSON.stringify(this.#answers));
    renameSync(`${this.#path}.part`, this.#path);
    this.#unsaved = 0;
  }
}
