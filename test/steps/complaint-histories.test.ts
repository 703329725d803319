/**
 * Random histories of complaints: notifications are lost, doubled, forged and out of order, WeChat
 * does not answer some questions, and the merchant acts or does not. The shop learns of each
 * complaint once, and with cron every 30 minutes no deadline passes without its warning.
 */
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import { createInstance } from '../../lib/composition.ts'
import type { Deps } from '../../lib/ports.ts'
import { findMissedComplaints, watchDueComplaints } from '../../lib/steps/watch-complaints.ts'
import {
  complain,
  complaintRow,
  complaintTypes,
  HOUR_MS,
  openComplainedShop,
  type Complained,
} from '../support/complaints.ts'
import type { Shop } from '../support/shop.ts'

const TICK_MS = HOUR_MS / 2

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openComplainedShop()
  ;({ deps } = createInstance(shop.world.env))
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

/** The part of cron that is about complaints. The others would compare the bills of each day. */
async function cron(): Promise<void> {
  await findMissedComplaints(deps, () => true)
  await watchDueComplaints(deps, 8)
}

const notifyFaults = [
  'drop',
  'lose-answer',
  'repeat',
  'reorder',
  'wrong-key',
  'wrong-api-key',
  'tamper',
  'unsigned',
  'old-timestamp',
  'probe',
  'unknown-event',
] as const
const queryFaults = ['drop', 'lose-answer', 'http-500', 'tamper', 'wrong-key', 'unsigned'] as const

type Action =
  | { readonly do: 'deliver'; readonly faults: readonly (typeof notifyFaults)[number][] }
  | { readonly do: 'trouble'; readonly fault: (typeof queryFaults)[number]; readonly times: number }
  | { readonly do: 'tick'; readonly ticks: number }
  | { readonly do: 'continue' | 'cron' | 'look' | 'reply' | 'finish' }

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant('deliver'),
    faults: fc.array(fc.constantFrom(...notifyFaults), { maxLength: 2 }),
  }),
  fc.record({
    do: fc.constant('trouble'),
    fault: fc.constantFrom(...queryFaults),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant('tick'), ticks: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constantFrom('continue', 'cron', 'look', 'reply', 'finish') }),
)

const toFault = (kind: (typeof notifyFaults)[number]): Fault =>
  kind === 'repeat'
    ? { on: 'notify', do: kind, copies: 5, times: 1 }
    : { on: 'notify', do: kind, times: 1 }

const act = (complaintId: string, body: object) =>
  shop.call('POST', '/api/console/complaints', {
    token: shop.merchantKey,
    body: { complaintId, ...body },
  })

async function play({ complaintId, outTradeNo }: Complained, step: Action): Promise<void> {
  switch (step.do) {
    case 'deliver':
      for (const kind of step.faults) shop.wechat.misbehave(toFault(kind))
      await shop.deliverNotifications()
      return
    case 'trouble':
      shop.wechat.misbehave({ on: 'complaint-query', do: step.fault, times: step.times })
      return
    case 'tick':
      for (let tick = 0; tick < step.ticks; tick += 1) {
        shop.advance(TICK_MS)
        await cron()
      }
      return
    case 'cron':
      return cron()
    case 'continue':
      shop.wechat.complain({ outTradeNo })
      return
    case 'look':
      await shop.call('GET', `/api/console/complaints?id=${complaintId}`, {
        token: shop.merchantKey,
      })
      return
    case 'reply':
      await act(complaintId, { action: 'reply', content: '您好，已为您补发' })
      return
    case 'finish':
      await act(complaintId, { action: 'finish' })
  }
}

const atWechat = (complaintId: string) => {
  const found = shop.wechat.complaints().find((one) => one.complaintId === complaintId)
  if (found === undefined) throw new Error('no complaint')
  return found
}

/** The shop's clock at this time after the complaint. */
const goTo = (complaintId: string, ms: number) =>
  shop.advance(Math.max(0, atWechat(complaintId).createdAt + ms - Date.now()))

/** A tick of cron within the four hours before a deadline. */
const window = fc.integer({ min: 0, max: 7 }).map((tick) => tick * TICK_MS + 1_000)

test('any history: one event for a complaint, and one for each deadline that is not met', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 8 }),
      fc.constantFrom('reply', 'finish', 'nothing' as const),
      window,
      window,
      async (actions, meanwhile, inReply, inFinish) => {
        const complained = await complain(shop)
        const { complaintId } = complained
        for (const step of actions) await play(complained, step)
        shop.wechat.clearFaults()

        goTo(complaintId, 20 * HOUR_MS + inReply)
        const isReplied = atWechat(complaintId).state !== 'PENDING'
        await cron()
        const expected = ['complaint.created', ...(isReplied ? [] : ['complaint.overdue reply'])]
        expect(await complaintTypes(shop, complaintId)).toEqual(expected)

        if (meanwhile !== 'nothing') await act(complaintId, { action: 'reply', content: '在处理' })
        if (meanwhile === 'finish') await act(complaintId, { action: 'finish' })
        goTo(complaintId, 68 * HOUR_MS + inFinish)
        if (atWechat(complaintId).state !== 'PROCESSED') expected.push('complaint.overdue finish')
        await cron()
        await cron()
        expect(await complaintTypes(shop, complaintId)).toEqual(expected)

        // WeChat pays the payer back, and everything that it still sends changes nothing.
        goTo(complaintId, 73 * HOUR_MS)
        await shop.deliverNotifications()
        await cron()
        expect(await complaintTypes(shop, complaintId)).toEqual(expected)
        expect(await complaintRow(shop, complaintId)).toMatchObject({
          state: atWechat(complaintId).state,
          content: { times: atWechat(complaintId).times },
        })
      },
    ),
    { numRuns: 25 },
  )
})
