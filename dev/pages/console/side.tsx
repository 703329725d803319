/** One side of a contradiction: the facts of the ledger, or the facts from WeChat. */
type Facts = Readonly<Record<string, unknown>> | null

export const toText = (side: Facts): string => (side === null ? '' : JSON.stringify(side))

const toWord = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

export const Side = ({ side }: { readonly side: Facts }) => (
  <ul class="said">
    {Object.entries(side ?? {}).map(([name, value]) => (
      <li key={name}>
        <span class="quiet">{name}</span> <bdi>{toWord(value)}</bdi>
      </li>
    ))}
  </ul>
)
