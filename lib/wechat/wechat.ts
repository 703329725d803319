import { randomBytes } from 'node:crypto'
import type { LogFields } from '../core/log-fields.ts'
import { send } from '../outbound.ts'
import type { Wechat } from '../ports.ts'
import type { PaySettings } from './call.ts'
import { logIn, type MiniProgramSettings } from './mini-program.ts'
import { createPay } from './pay.ts'
import type { SignType } from './sign.ts'

/** 128 random bits as 32 hex digits: within WeChat's length, and never guessed. */
const newNonce = (): string => randomBytes(16).toString('hex')

const PROBE_MS = 2_000

/** The `Wechat` port over the Mini Program API and APIv2. Settings are asked for when first needed, each half its own. */
export function createWechat(pay: () => PaySettings, miniProgram: () => MiniProgramSettings, log: (fields: LogFields) => void): Wechat {
  const isUp = async (url: string) => (await send({ method: 'GET', url, deadlineMs: PROBE_MS, maxBytes: 1_000_000 })) !== 'no_answer'
  const onOtherSignType = (detail: SignType) => log({ event: 'signed_otherwise', detail })
  const payment = () => createPay({ ...pay(), onOtherSignType }, newNonce)
  return {
    logIn: (request) => logIn(miniProgram(), request),
    placeOrder: (terms) => payment().placeOrder(terms),
    askOrder: (order) => payment().askOrder(order),
    closeOrder: (outTradeNo) => payment().closeOrder(outTradeNo),
    prepayKey: (terms) => payment().prepayKey(terms),
    signPayment: (prepayId, at) => payment().signPayment(prepayId, at),
    readNotice: (bytes) => payment().readNotice(bytes),
    isReachable: async () => (await Promise.all([isUp(pay().hosts[0]), isUp(miniProgram().host)])).every(Boolean),
  }
}
