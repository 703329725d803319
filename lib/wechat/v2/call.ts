/**
 * One v2 call, from its fields to an outcome.
 *
 * An answer is used only if it is signed with our key, for our appid and merchant number. Every
 * call made here is safe to repeat unchanged (queries, close, a unified order with identical
 * content, a refund under its own number). So the same message goes to the stand-by host if the
 * first host does not answer, and a call whose key is refused is repeated once under the other key,
 * if there is one.
 */
import { err, ok, type Outcome } from '../../core/result.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import { CALL_MS } from '../deadlines.ts'
import { cleanRefusalText } from '../refusal-text.ts'
import { meaningOf, type CodeMeaning } from './codes.ts'
import { isKeyRefused, swapKeys, type CallSettings } from './keys.ts'
import type { Fields } from '../fields.ts'
import { LEAST_MS, sendMessage } from './transport.ts'

/** A verified answer: its fields, or a refusal whose reason is the order's own state. */
export type CallOutcome =
  | { readonly kind: 'success'; readonly fields: Fields }
  | {
      readonly kind: Exclude<CodeMeaning['action'], 'ask_again' | 'slow_down' | 'refuse' | 'alert'>
      readonly code: string
      readonly text: string
    }

const PAUSE_BEFORE_REPEAT_MS = 200

export async function call(
  settings: CallSettings,
  path: string,
  content: Fields,
): Promise<Outcome<CallOutcome>> {
  const left = startBudget(CALL_MS)
  const outcome = await callUnderKey(settings, path, content, left)
  if (settings.otherKey === undefined || !isKeyRefused(outcome)) return outcome
  const again = await callUnderKey(swapKeys(settings), path, content, left)
  if (again.ok) settings.onOtherKey?.(settings.otherKey)
  return again
}

async function callUnderKey(
  settings: CallSettings,
  path: string,
  content: Fields,
  left: () => number,
): Promise<Outcome<CallOutcome>> {
  for (let repeat = 0; ; repeat += 1) {
    const answer = await sendMessage(settings, path, content, left)
    if (!answer.ok) return answer
    const fields = answer.value
    if (fields.get('result_code') === 'SUCCESS') return ok({ kind: 'success', fields })
    const code = fields.get('err_code') || 'FAIL'
    const text = cleanRefusalText(fields.get('err_code_des') ?? '')
    const meaning = meaningOf(code, text)
    switch (meaning.action) {
      case 'ask_again':
        if (repeat > 0 || left() < LEAST_MS + PAUSE_BEFORE_REPEAT_MS)
          return err({ reason: 'wechat_unknown' })
        await new Promise((resolve) => setTimeout(resolve, PAUSE_BEFORE_REPEAT_MS))
        continue
      case 'slow_down':
        return err({ reason: 'wechat_busy' })
      case 'alert':
        return err({ reason: 'wechat_misconfigured', code, remedy: meaning.remedy, text })
      case 'refuse':
        return err({ reason: 'wechat_refused', code, text })
      case 'paid':
      case 'closed':
      case 'missing':
      case 'number_taken':
      case 'not_now':
        return ok({ kind: meaning.action, code, text })
    }
  }
}
