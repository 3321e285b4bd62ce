/** The page around the chat's script: nothing may be loaded or run but the three files that it names. Pure. */
import { escapeHtml } from '../../ui/escapeHtml';

export interface PageSources {
  /** BCP 47. */
  readonly language: string;
  readonly nonce: string;
  /** Where the page's files may come from: what the editor calls its own source. */
  readonly source: string;
  readonly script: string;
  readonly style: string;
  /** JSON: the page's texts. */
  readonly texts: string;
  /** JSON: what an earlier page has kept; '' = nothing. */
  readonly saved: string;
  readonly title: string;
}

export function pageHtml({
  language,
  nonce,
  source,
  script,
  style,
  texts,
  saved,
  title,
}: PageSources): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-src 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${escapeHtml(style)}">
</head>
<body data-texts="${escapeHtml(texts)}" data-saved="${escapeHtml(saved)}">
<script nonce="${escapeHtml(nonce)}" src="${escapeHtml(script)}"></script>
</body>
</html>
`;
}
