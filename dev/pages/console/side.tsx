import { useLabel } from './labels.ts'
import { toYuan } from './money.ts'

/** One side of a contradiction: the facts of the ledger, or the facts from WeChat. */
type Facts = Readonly<Record<string, unknown>> | null

export const toText = (side: Facts): string => (side === null ? '' : JSON.stringify(side))

const toWord = (name: string, value: unknown): string => {
  if (typeof value === 'number' && name.endsWith('Fee')) return toYuan(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export function Side({ side }: { readonly side: Facts }) {
  const label = useLabel()
  return (
    <ul class="said">
      {Object.entries(side ?? {}).map(([name, value]) =>
        value === null ? null : (
          <li key={name}>
            <span class="quiet">{label(name, 'fact')}</span> <bdi>{toWord(name, value)}</bdi>
          </li>
        ),
      )}
    </ul>
  )
}
