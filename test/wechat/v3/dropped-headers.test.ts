/** A notification of APIv3 whose headers a proxy has dropped. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openComplainedShop } from '../../support/complaints.ts'
import type { Shop } from '../../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openComplainedShop()
})
afterAll(() => shop.close())

test('is refused with a status that WeChat does not take for an acknowledgement', async () => {
  const body = JSON.stringify({ id: 'EV-1', event_type: 'TRANSACTION.SUCCESS' })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${shop.world.url}/api/notify`, { method: 'POST', body, headers })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toEqual({ code: 'FAIL', message: 'NOT TAKEN' })
})
