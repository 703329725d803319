import * as v from 'valibot'
import { err, ok } from './result.ts'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'

const bodySchema = v.object({ appid: v.string() })

/** Whether this Mini Program must report shipping to receive its money. */
export const isTradeManaged: JsonOperation = ({ account, state }, body) => {
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(40097))
  return parsed.output.appid === account.appid
    ? ok({ is_trade_managed: state.settings.tradeManaged })
    : err(apiError(40013))
}
