import { useTexts } from '../base/language.tsx'

const texts = { raw: ['Raw data', '原始数据'] } as const

/** The stored data as JSON, collapsed at first. */
export function Raw({ value }: { readonly value: unknown }) {
  const say = useTexts(texts)
  return (
    <details class="raw">
      <summary>{say('raw')}</summary>
      <pre>
        <bdi>{JSON.stringify(value, null, 2)}</bdi>
      </pre>
    </details>
  )
}
