import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { endOf, startOf } from './time.ts'

const texts = {
  from: ['From', '日期'],
  to: ['to', '至'],
} as const

/** The first and the last day of a list in Beijing, empty for none. */
export interface Period {
  readonly first: string
  readonly last: string
}

/** The times of a period for a query: from the first moment of the first day to after the last. */
export const timesOf = ({ first, last }: Period) => ({ from: startOf(first), to: endOf(last) })

export const usePeriod = () => useState<Period>({ first: '', last: '' })

interface Props {
  readonly period: Period
  readonly onChoose: (period: Period) => void
}

/** A filter by day. */
export function PeriodFields({ period, onChoose }: Props) {
  const say = useTexts(texts)
  const { first, last } = period
  return (
    <div class="period">
      <label>
        {say('from')}
        <input
          type="date"
          value={first}
          max={last}
          onChange={(event) => onChoose({ first: event.currentTarget.value, last })}
        />
      </label>
      <label>
        {say('to')}
        <input
          type="date"
          value={last}
          min={first}
          onChange={(event) => onChoose({ first, last: event.currentTarget.value })}
        />
      </label>
    </div>
  )
}
