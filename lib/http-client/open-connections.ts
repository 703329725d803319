import { openConnection } from './kept-connections.ts'

/**
 * Returns a function that opens the missing connections to the named peers, side by side. An
 * address that cannot be read is skipped: the request that needs it reports that.
 */
export function createOpener<Peer extends string>(
  addresses: Readonly<Record<Peer, () => string>>,
): (peers: readonly Peer[]) => void {
  const known = new Map<Peer, string>()
  return (peers) => {
    for (const peer of peers) {
      try {
        const address = known.get(peer) ?? addresses[peer]()
        known.set(peer, address)
        openConnection(address)
      } catch {}
    }
  }
}
