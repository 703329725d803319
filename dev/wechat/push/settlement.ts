/** Pushes about the settlement of an order: one when it is shipped, one when it is settled. */
import { settlementOf } from '../shipment.ts'
import type { Simulation } from '../simulation.ts'
import { queuePush } from './queue-push.ts'
import type { PushFields } from './write-push.ts'

const EVENT = 'trade_manage_order_settlement'
const AUTOMATIC = 1
const BY_PAYER = 2

const seconds = (ms: number): number => Math.floor(ms / 1000)

/** Queues the messages that are due. Each is recognized by the fields that only it has. */
export function pushSettlements(simulation: Simulation): void {
  const { account, state, now } = simulation
  if (account.push === undefined) return
  const queued = new Set(
    state.pushes.map(({ fields }) => `${fields['merchant_trade_no']} ${stageOf(fields)}`),
  )
  for (const order of state.orders) {
    const { outTradeNo, shipment } = order
    if (shipment === null) continue
    const settlement = settlementOf(order, shipment, now(), state.settings)
    if (settlement === null) continue
    const { shippedAt, confirmedAt, settledAt, isSettled } = settlement
    const push = (fields: PushFields): void => {
      if (!queued.has(`${outTradeNo} ${stageOf(fields)}`))
        queuePush(simulation, { event: EVENT, outTradeNo, fields })
    }
    const shipped = { shipped_time: seconds(shippedAt) }
    push({ ...shipped, estimated_settlement_time: seconds(settledAt) })
    if (isSettled)
      push({
        ...shipped,
        confirm_receive_method: shipment.confirmedAt === null ? AUTOMATIC : BY_PAYER,
        confirm_receive_time: seconds(confirmedAt),
        settlement_time: seconds(settledAt),
      })
  }
}

function stageOf(fields: PushFields): 'settled' | 'shipped' | 'other' {
  if ('settlement_time' in fields) return 'settled'
  return 'shipped_time' in fields ? 'shipped' : 'other'
}
