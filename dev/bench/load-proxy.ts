/** The way to a server that is farther off: whatever is sent there arrives so much later, in order; its answers come at once. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

/** Gives the port that leads there. Ends with the process. */
export async function openLongWay(host: string, port: number, ms: number): Promise<number> {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host, port, noDelay: true })
    near.on('data', (bytes) => void setTimeout(() => far.write(bytes), ms))
    near.on('end', () => void setTimeout(() => far.end(), ms))
    far.pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the proxy listens on no port')
  return address.port
}
