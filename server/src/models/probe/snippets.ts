/**
 * What a model is tried on: short pieces of code of ours, each with a gap whose text is known and follows from what stands around it,
 * often from what stands behind it. Several languages and kinds of gaps, so that no habit of one decides. Whoever changes one raises
 * `snippetsVersion`.
 */

export interface Snippet {
  readonly path: string;
  readonly before: string;
  readonly middle: string;
  readonly after: string;
}

export const snippetsVersion = 1;

/** A file with its gap between ⟦ and ⟧. */
function snippet(path: string, marked: string): Snippet {
  const [before = '', rest = ''] = marked.split('⟦');
  const [middle = '', after = ''] = rest.split('⟧');
  return { path, before, middle, after };
}

export const snippets: readonly Snippet[] = [
  snippet(
    'src/basket.ts',
    `export interface Entry {
  readonly name: string;
  readonly price: number;
  readonly count: number;
}

export function totalPrice(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) {
    ⟦total += entry.price * entry.count;⟧
  }
  return total;
}
`,
  ),
  snippet(
    'src/clock.ts',
    `function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

export function clock(seconds: number): string {
  const minutes = ⟦Math.floor(seconds / 60);⟧
  const rest = seconds % 60;
  return \`\${twoDigits(minutes)}:\${twoDigits(rest)}\`;
}
`,
  ),
  snippet(
    'src/queue.js',
    `class Queue {
  constructor() {
    ⟦this.items = [];⟧
  }

  push(item) {
    this.items.push(item);
  }

  pop() {
    return this.items.shift();
  }
}
`,
  ),
  snippet(
    'src/report.ts',
    `import { readFile } from 'node:fs/promises';

export async function countLines(path: string): Promise<number> {
  const text = ⟦await readFile(path, 'utf8');⟧
  const lines = text.split('\\n');
  return lines.length;
}
`,
  ),
  snippet(
    'tools/average.py',
    `def average(values):
    """The mean of some numbers, 0 of none."""
    if not values:
        return 0
    total = ⟦sum(values)⟧
    return total / len(values)


print(average([1, 2, 3]))
`,
  ),
  snippet(
    'tools/words.py',
    `def count_words(text):
    counts = {}
    for word in text.split():
        ⟦counts[word] = counts.get(word, 0) + 1⟧
    return counts


def most_common(text):
    counts = count_words(text)
    return max(counts, key=counts.get)
`,
  ),
  snippet(
    'tools/point.py',
    `class Point:
    def __init__(self, x, y):
        ⟦self.x = x⟧
        self.y = y

    def length(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5
`,
  ),
  snippet(
    'src/range.cc',
    `#include <vector>

int largest(const std::vector<int>& values) {
  int best = values[0];
  for (⟦int value : values⟧) {
    if (value > best) {
      best = value;
    }
  }
  return best;
}
`,
  ),
  snippet(
    'src/buffer.c',
    `#include <stdlib.h>

struct buffer {
  char *data;
  size_t size;
};

void buffer_free(struct buffer *buffer) {
  ⟦free(buffer->data);⟧
  buffer->data = NULL;
  buffer->size = 0;
}
`,
  ),
  snippet(
    'src/Account.java',
    `public class Account {
    private long balance;

    public void deposit(long amount) {
        ⟦balance += amount;⟧
    }

    public void withdraw(long amount) {
        balance -= amount;
    }

    public long getBalance() {
        return balance;
    }
}
`,
  ),
  snippet(
    'pkg/stack.go',
    `package stack

type Stack struct {
	items []int
}

func (s *Stack) Push(item int) {
	⟦s.items = append(s.items, item)⟧
}

func (s *Stack) Len() int {
	return len(s.items)
}
`,
  ),
  snippet(
    'src/shape.rs',
    `struct Rectangle {
    width: f64,
    height: f64,
}

impl Rectangle {
    fn area(&self) -> f64 {
        ⟦self.width * self.height⟧
    }

    fn perimeter(&self) -> f64 {
        2.0 * (self.width + self.height)
    }
}
`,
  ),
];
