/** Files that hold secrets, told by their names. */

const names: readonly RegExp[] = [
  /^\.env/,
  /\.env(\.|$)/,
  /^\.envrc$/,
  /\.(pem|key|p12|pfx|p8|pk8|jks|keystore|kdbx|ppk|asc|gpg|pgp|ovpn|agekey|tfstate|tfvars|mobileprovision)$/,
  /\.tfvars\.json$/,
  /\.tfstate\.backup$/,
  /^id_(rsa|dsa|ecdsa|ed25519)/,
  /^(ssh_host_.*_key|authorized_keys|known_hosts)$/,
  /^\.?(npmrc|yarnrc|yarnrc\.yml|pypirc|netrc|_netrc|git-credentials|dockercfg|htpasswd|pgpass|my\.cnf|s3cfg|boto|vault-token)$/,
  /^_netrc$/,
  /^credentials?(\.(json|ya?ml|toml|ini|xml|txt|csv|properties|db))?$/,
  /(^|[-_.])(client[-_]?secret|service[-_]?account|secrets?)([-_.].*)?\.(json|ya?ml|toml|ini|env|txt|properties)$/,
  // Modules of code with such a name are code.
  /^secrets?(\.(xml|plist|csv|conf|cfg))?$/,
  /^(local\.settings|appsettings\.(local|secrets))\.json$/,
  /^(kubeconfig|master\.key|wp-config\.php|auth\.json)$/,
];

/** Folders that hold nothing that belongs into a prompt: keys, credentials, and the stores of version control. */
const folders = new Set([
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.docker',
  '.gcloud',
  '.git',
  '.hg',
  '.svn',
]);

/** Whether a file's name, or that of a folder that it is in, says that it holds secrets. `path`: with forward slashes. */
export function isSecretName(path: string): boolean {
  const parts = path.toLowerCase().split('/');
  const name = parts.pop() ?? '';
  return names.some((pattern) => pattern.test(name)) || parts.some((part) => folders.has(part));
}
