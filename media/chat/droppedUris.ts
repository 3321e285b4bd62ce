/** Files that are dropped from the explorer, from editor tabs or from elsewhere. Addresses only: the extension host says what they are. */

const mostUris = 200;

function fromList(list: string): string[] {
  return list
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function fromJson(json: string): string[] {
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) ? parsed.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

/** URIs in what is dropped; none where it is something else. */
export function droppedUris(data: { getData(format: string): string }): readonly string[] {
  const found = [
    ...fromList(data.getData('application/vnd.code.uri-list')),
    ...fromJson(data.getData('resourceurls')),
    ...fromList(data.getData('text/uri-list')),
  ];
  return [...new Set(found)].slice(0, mostUris);
}
