/** The path of a document's URI, percent signs decoded; with forward slashes. What is no URI is taken for a path. */
export function decodedPath(uri: string): string {
  const path = URL.canParse(uri) ? new URL(uri).pathname : uri;
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a stray percent sign
  }
}
