import { useLabel } from './labels.ts'

const tones: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  SUCCESS: 'good',
  UPLOADED: 'good',
  delivered: 'good',
  PROCESSED: 'good',
  REFUND: 'warn',
  PROCESSING: 'warn',
  waiting: 'warn',
  CHANGE: 'bad',
  FAILED: 'bad',
  parked: 'bad',
  'complaint.PENDING': 'bad',
  'complaint.AWAITED': 'bad',
}

interface Props {
  readonly state: string
  readonly group?: string
}

/** A state in words. Its colour adds no information. */
export function StateMark({ state, group = '' }: Props) {
  const label = useLabel()
  const tone = tones[`${group}.${state}`] ?? tones[state] ?? ''
  return <span class={`mark ${tone}`}>{label(state, group)}</span>
}
