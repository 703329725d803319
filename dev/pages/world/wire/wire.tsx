/** The wire: every message between the lanes, a filter, and one message in full. */
import { useMemo, useState } from 'preact/hooks'
import type { Exchange } from '../../../world/feed.ts'
import { useLanguage, useTexts } from '../../base/language.tsx'
import { Diagram } from './diagram.tsx'
import { isWithStore, lanesOf, type LiveFeed } from './feed.ts'
import { MessagePanel } from './message-panel.tsx'
import { wireTexts } from './texts.ts'
import { useWords } from './words.ts'
import './wire.css'

export function Wire({ exchanges, state }: LiveFeed) {
  const say = useTexts(wireTexts)
  const language = useLanguage()
  const words = useWords()
  const [text, setText] = useState('')
  const [hasStores, setHasStores] = useState(false)
  const [hiddenUntil, setHiddenUntil] = useState(0)
  const [chosenId, setChosenId] = useState<number | null>(null)

  const shown = useMemo(
    () =>
      exchanges.filter(
        (exchange) =>
          exchange.id > hiddenUntil &&
          (hasStores || !isWithStore(exchange)) &&
          (text === '' || mentions(exchange, text, words)),
      ),
    [exchanges, hiddenUntil, hasStores, text, language],
  )
  const chosen = exchanges.find(({ id }) => id === chosenId) ?? null
  const close = () => {
    setChosenId(null)
    document.querySelector<HTMLElement>('.messages')?.focus()
  }
  return (
    <section class="wire" aria-label={say('title')}>
      <header class="wire-bar">
        <h2>{say('title')}</h2>
        <input
          type="search"
          aria-label={say('filter')}
          placeholder={say('filterHint')}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <label>
          <input
            type="checkbox"
            checked={hasStores}
            onChange={({ currentTarget }) => setHasStores(currentTarget.checked)}
          />{' '}
          {say('stores')}
        </label>
        <button
          type="button"
          onClick={() => setHiddenUntil(hiddenUntil === 0 ? (exchanges.at(-1)?.id ?? 0) : 0)}
        >
          {say(hiddenUntil === 0 ? 'clear' : 'showAll')}
        </button>
        <span class="hint">{say('count', { shown: shown.length, all: exchanges.length })}</span>
      </header>
      {state === 'lost' && (
        <p class="wire-lost" role="alert">
          {say('lost')}
        </p>
      )}
      <div class={chosen === null ? 'wire-body' : 'wire-body with-panel'}>
        <Diagram
          messages={shown}
          lanes={lanesOf(hasStores)}
          chosen={chosen}
          choose={({ id }) => setChosenId(id)}
        >
          {shown.length === 0 && (
            <p class="wire-empty">
              {say(
                state === 'connecting'
                  ? 'connecting'
                  : exchanges.length === 0
                    ? 'empty'
                    : 'noMatch',
              )}
            </p>
          )}
        </Diagram>
        {chosen !== null && <MessagePanel exchange={chosen} close={close} filter={setText} />}
      </div>
    </section>
  )
}

function mentions(exchange: Exchange, text: string, words: ReturnType<typeof useWords>): boolean {
  const { title, outTradeNo, request, response } = exchange
  const parts = [title, words(exchange), outTradeNo ?? '', request.url, request.body]
  parts.push(response?.body ?? '')
  return parts.some((part) => part.toLowerCase().includes(text.toLowerCase()))
}
