import { BlockList, isIP } from 'node:net'

/**
 * Addresses that are not public: loopback, private, link-local, carrier, multicast, documentation,
 * benchmarking, and IPv6 forms of IPv4. There are two lists because in a common one the IPv6 forms
 * would match every IPv4 address.
 */
const notPublic = { 4: new BlockList(), 6: new BlockList() }
const IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
const IPV6 = [
  '::/127',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
]
for (const [net = '', prefix] of IPV4.map((subnet) => subnet.split('/')))
  notPublic[4].addSubnet(net, Number(prefix), 'ipv4')
for (const [net = '', prefix] of IPV6.map((subnet) => subnet.split('/')))
  notPublic[6].addSubnet(net, Number(prefix), 'ipv6')

/** A well-formed address of the block for documentation (RFC 5737), which identifies no caller. */
const UNKNOWN = '192.0.2.1'

/**
 * The payer's address for WeChat. WeChat refuses loopback, so a stand-in replaces an address that
 * is not public.
 */
export const clientAddress = (request: Request): string => publicAddress(request) ?? UNKNOWN

/**
 * The caller's public address. Null without one, as in the local world.
 *
 * Vercel overwrites both headers, so clients cannot forge them.
 */
export function publicAddress(request: Request): string | null {
  const candidates = [
    request.headers.get('x-real-ip'),
    ...(request.headers.get('x-forwarded-for') ?? '').split(','),
  ]
  return (
    candidates.map((text) => (text ?? '').trim().replace(/^::ffff:/i, '')).find(isPublic) ?? null
  )
}

/** The network of an address: for IPv6 the first half, because callers choose the rest. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = [], after = []] = short
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
    .slice(0, 4)
    .join(':')
}

const isPublic = (text: string): boolean => {
  // A zone has a meaning only on the machine that wrote it.
  switch (text.includes('%') ? 0 : isIP(text)) {
    case 4:
      return !notPublic[4].check(text, 'ipv4')
    case 6:
      return !notPublic[6].check(text, 'ipv6')
    default:
      return false
  }
}
