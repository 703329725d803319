/** How long the claim of a shipment lasts. */
import { expect, test } from 'vitest'
import { CALL_MS } from '../../lib/wechat/deadlines.ts'
import type { Deps, Shipments } from '../../lib/ports.ts'
import { shipDue } from '../../lib/steps/ship.ts'
import { only } from '../support/only.ts'

/** The longest wait for a token that another run fetches, and for one statement. */
const [TOKEN_WAIT_MS, STATEMENT_MS] = [3_000, 5_000]

test('the claim of a shipment outlasts an upload whose token is refused and fetched again, with each call at its limit', async () => {
  const claims: number[] = []
  const shipments = only<Shipments>({
    takeDue: async (_, { ms }) => {
      claims.push(ms)
      return []
    },
  })
  await shipDue(
    only<Deps>({
      shipments,
      randomBytes: (count) => new Uint8Array(count),
    }),
    3,
  )
  const longest = 3 * STATEMENT_MS + 2 * (TOKEN_WAIT_MS + CALL_MS) + 2 * CALL_MS
  expect(claims).toEqual([expect.toSatisfy((ms: number) => ms > longest)])
})
