/** A made-up WeChat that answers the download of a bill. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { refusal, writeBill, type BillLine } from '../../support/bill.ts'

export interface BillHost {
  readonly url: string
  /** The bodies of the requests, oldest first. */
  readonly requests: string[]
  /** The answer for each day, such as `20261120`. Lines are sent as a compressed bill. */
  readonly bills: Map<string, readonly BillLine[] | ((response: ServerResponse) => void)>
  close(): Promise<void>
}

export async function openBillHost(): Promise<BillHost> {
  const requests: string[] = []
  const bills: BillHost['bills'] = new Map()
  const server = createServer((request, response) => {
    const serve = async () => {
      const body = await text(request)
      requests.push(body)
      const bill = bills.get(/<bill_date><!\[CDATA\[(\d+)\]\]>/.exec(body)?.[1] ?? '')
      if (typeof bill === 'function') bill(response)
      else response.end(bill === undefined ? refusal('No Bill Exist') : gzipSync(writeBill(bill)))
    }
    serve().catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    requests,
    bills,
    async close() {
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
