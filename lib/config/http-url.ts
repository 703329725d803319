/** Checks of the URLs in variables. Each returns what is wrong, without the URL, or null. */

/** The ports that the Fetch standard blocks: `fetch` never sends a request to one of them. */
const BLOCKED_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10080,
])

const portFault = (url: URL): string | null =>
  BLOCKED_PORTS.has(Number(url.port))
    ? 'has a port that fetch refuses to call (such as 25 and 6000): use another port'
    : null

const hasCredentials = ({ username, password }: URL): boolean => username !== '' || password !== ''

/** Checks a URL to which paths are added. */
export function baseUrlFault(value: string): string | null {
  if (!value.includes('://')) return 'lacks https://'
  const url = URL.parse(value)
  if (url === null || !/^https?:\/\/[^\s?#]+$/.test(value) || hasCredentials(url))
    return 'is not an http(s) URL without a query or a user name'
  return portFault(url)
}

/** Checks a URL that is called as it is, with its query. */
export function callUrlFault(value: string): string | null {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol)) return 'is not an http(s) URL'
  if (hasCredentials(url))
    return 'has a user name or a password, which fetch refuses: verify the signature instead'
  if (url.hash !== '') return 'has a part after #, which is never sent'
  return portFault(url)
}

/** This machine or a private network: others cannot call such an address. */
const PRIVATE =
  /^(?:localhost|.*\.(?:localhost|local)|(?:0|10|127)(?:\.\d+){3}|(?:169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d+){2}|\[(?:::1?|f[cde].*)\])$/

export const isPrivate = (url: string): boolean => PRIVATE.test(URL.parse(url)?.hostname ?? '')
