/** The report as a plain picture: how many times the peer's speed, with the bar that was set. */

const width = 720;
const left = 190;
const right = 70;
const rowHeight = 26;
const top = 64;

const escapeText = (text) => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * SVG of all bars that are a multiple of the peer's speed.
 * @param {{ date: string, cpu: string, cores: number, peer: string, bars: { id: string, value: number | null, unit: string, bar: number, atMost?: boolean, holds: boolean }[] }} report
 */
export function plot(report) {
  const rows = report.bars.filter(({ id }) => /^(decode|prefill512)-/.test(id));
  const scale = Math.max(...rows.map(({ value, bar }) => Math.max(value ?? 0, bar))) * 1.05;
  const x = (value) => left + (value / scale) * (width - left - right);
  const height = top + rows.length * rowHeight + 40;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>Niwaki's speed as a multiple of llama.cpp's</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="bold" fill="#1f2328">Niwaki's speed, times ${escapeText(report.peer)}</text>`,
    `<text x="16" y="46" font-size="12" fill="#59636e">${escapeText(`${report.date}, ${report.cpu}, ${report.cores} cores; the line is the bar that was set`)}</text>`,
  ];
  rows.forEach(({ id, value, bar, holds }, i) => {
    const y = top + i * rowHeight;
    lines.push(
      `<text x="${left - 10}" y="${y + 15}" text-anchor="end" fill="#1f2328">${escapeText(id)}</text>`,
    );
    if (value === null) {
      lines.push(`<text x="${left + 6}" y="${y + 15}" fill="#59636e">not measured here</text>`);
    } else {
      lines.push(
        `<rect x="${left}" y="${y + 3}" width="${(x(value) - left).toFixed(1)}" height="${rowHeight - 9}" fill="${holds ? '#2da44e' : '#bf8700'}"/>`,
        `<text x="${(Math.max(x(value), x(bar)) + 6).toFixed(1)}" y="${y + 15}" fill="#1f2328">${value.toFixed(1)}x</text>`,
      );
    }
    lines.push(
      `<line x1="${x(bar).toFixed(1)}" x2="${x(bar).toFixed(1)}" y1="${y}" y2="${y + rowHeight - 3}" stroke="#1f2328" stroke-width="2"/>`,
    );
  });
  lines.push(
    `<text x="16" y="${height - 14}" font-size="12" fill="#59636e">Green: at or above its bar. 1x is llama.cpp's own speed, medians of turns taken in one run.</text>`,
    '</svg>',
  );
  return `${lines.join('\n')}\n`;
}
