/** The merchant's actions: ships or refunds the order in the shop. */
import { useState } from 'preact/hooks'
import * as v from 'valibot'
import { useTexts } from '../../base/language.tsx'
import { callWorld } from '../call-world.ts'
import { switchTexts } from './texts.ts'

/** In fen. */
const REFUND = 100

/** @param outTradeNo the order that the shop showed last, or null */
export function MerchantActions({ outTradeNo }: { readonly outTradeNo: string | null }) {
  const say = useTexts(switchTexts)
  const [problem, setProblem] = useState<string | null>(null)
  const act = async (path: string, body: object) => {
    const answer = await callWorld('POST', path, v.object({}), { outTradeNo, ...body })
    setProblem(answer.ok ? null : (answer.reason ?? say('failed')))
  }
  return (
    <>
      <fieldset>
        <legend>{say('asMerchant')}</legend>
        <button
          type="button"
          disabled={outTradeNo === null}
          onClick={() => void act('/world/ship', {})}
        >
          {say('ship')}
        </button>
        <button
          type="button"
          disabled={outTradeNo === null}
          onClick={() => void act('/world/refund', { refundFee: REFUND })}
        >
          {say('refundSome')}
        </button>
      </fieldset>
      {problem !== null && (
        <p class="refused" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}
