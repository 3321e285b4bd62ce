/** Answers of ten thousand tokens, the same each time: as models write them, and the worst for a page that lays out what grows. */

const words = (
  'the function reads every value of a list and returns what it has found so far unless an error comes before the end of the file which is then reported ' +
  'with its line and column because callers want to show where it was'
).split(' ');

/** Whole numbers below `end`, always the same. */
function randomizer(seed) {
  let state = seed;
  return (end) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * end);
  };
}

function sentence(random) {
  const count = 8 + random(14);
  const chosen = Array.from({ length: count }, () => words[random(words.length)]);
  const special = random(4);
  if (special === 0) {
    chosen[random(count)] = `\`value${String(random(90))}\``;
  } else if (special === 1) {
    chosen[random(count)] = `**${chosen[0]}**`;
  } else if (random(3) === 0) {
    chosen.push(`in src/part${String(random(20))}.ts:${String(1 + random(200))}`);
  }
  return `${chosen.join(' ')}.`;
}

function paragraph(random) {
  return Array.from({ length: 3 + random(3) }, () => sentence(random)).join(' ');
}

function code(random, lines) {
  return Array.from({ length: lines }, (_, line) => {
    const name = `${words[random(words.length)]}${String(line)}`;
    return [
      `  const ${name} = await read('${words[random(words.length)]}', ${String(random(1000))}); // ${words[random(words.length)]}`,
      `  if (${name} === undefined || ${name}.length > ${String(random(99))}) {`,
      `    throw new Error(\`no ${words[random(words.length)]}: \${${name}}\`);`,
      '  }',
      '',
    ][line % 5];
  }).join('\n');
}

function until(length, piece) {
  let text = '';
  for (let i = 0; text.length < length; i += 1) {
    text += piece(i);
  }
  return text.slice(0, length);
}

/** What counts as a token: four characters, as English and code have on average. */
export const tokenLength = 4;
const length = 10_000 * tokenLength;

const mixed = (seed) => {
  const random = randomizer(seed);
  return until(length, (i) => {
    switch (i % 6) {
      case 0:
        return `## Part ${String(i / 6 + 1)}\n\n${paragraph(random)}\n\n`;
      case 1:
        return `\`\`\`ts\n${code(random, 30)}\n\`\`\`\n\n`;
      case 2:
        return `${Array.from({ length: 6 }, (_, n) => `${String(n + 1)}. ${sentence(random)}`).join('\n')}\n\n`;
      case 3:
        return `| a | b |\n|---|---|\n${Array.from({ length: 5 }, () => `| ${words[random(30)]} | \`${words[random(30)]}\` |`).join('\n')}\n\n`;
      case 4:
        return `> ${sentence(random)}\n\n- ${sentence(random)}\n  - ${sentence(random)}\n\n`;
      default:
        return `${paragraph(random)}\n\n`;
    }
  });
};

/** name → text of 10,000 tokens. */
export const longAnswers = {
  mixed: mixed(1),
  'one code block': `\`\`\`ts\n${until(length - 6, () => `${code(randomizer(2), 400)}\n`)}`,
  'one list': (() => {
    const random = randomizer(3);
    return until(length, (i) => `${String(i + 1)}. ${sentence(random)}\n`);
  })(),
  'one table': `| what | where |\n|---|---|\n${(() => {
    const random = randomizer(4);
    return until(length, () => `| ${sentence(random).slice(0, 60)} | \`${words[random(30)]}\` |\n`);
  })()}`,
  'one paragraph': (() => {
    const random = randomizer(5);
    return until(length, () => `${sentence(random)} `);
  })(),
};
