/** One message in full: the sent bytes, the signed text, and whether the signature holds. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Content, Exchange } from '../../../world/feed.ts'
import { useTexts } from '../../base/language.tsx'
import { describeStatus, showClock } from './arrow.tsx'
import { asCurl, asTypeScript } from './as-command.ts'
import { CopyButton } from './copy-button.tsx'
import { isWithStore, outcomeOf } from './feed.ts'
import { laneTexts, wireTexts } from './texts.ts'
import { useWords } from './words.ts'

interface MessagePanelProps {
  readonly exchange: Exchange
  readonly close: () => void
  readonly filter: (text: string) => void
}

export function MessagePanel({ exchange, close, filter }: MessagePanelProps) {
  const say = useTexts(wireTexts)
  const sayLane = useTexts(laneTexts)
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => heading.current?.focus(), [exchange.id])
  const { title, request, response, outTradeNo, fault, durationMs } = exchange
  const words = useWords()(exchange)
  const facts = [
    showClock(exchange.at),
    `${sayLane(exchange.from)} → ${sayLane(exchange.to)}`,
    ...(durationMs === null ? [] : [say('duration', { ms: Math.round(durationMs) })]),
  ]
  return (
    <section
      class="message-panel"
      aria-label={say('message')}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close()
      }}
    >
      <header>
        <h3 ref={heading} tabIndex={-1}>
          {words}
        </h3>
        <button type="button" class="quiet" aria-label={say('close')} onClick={close}>
          ✕
        </button>
      </header>
      <p class="hint">
        <b class={outcomeOf(exchange)}>{describeStatus(exchange, say)}</b> · {facts.join(' · ')}
      </p>
      {isWithStore(exchange) && words !== title && (
        <p class="hint">
          <code>{title}</code>
        </p>
      )}
      {fault !== null && <p class="switched-on">{say('fault', { fault })}</p>}
      {outTradeNo !== null && (
        <p class="hint">
          {say('order')} <code>{outTradeNo}</code>{' '}
          <button type="button" class="small" onClick={() => filter(outTradeNo)}>
            {say('onlyOrder')}
          </button>
        </p>
      )}
      {isComplete(request) && (
        <div class="buttons">
          <CopyButton label={say('copyCurl')} text={asCurl(request)} />
          <CopyButton label={say('copyTypeScript')} text={asTypeScript(request)} />
        </div>
      )}
      <Part title={say('request')} first={`${request.method} ${request.url}`} content={request} />
      {response === null ? (
        <p class="hint">{say('noAnswer')}</p>
      ) : (
        <Part title={say('response')} first={String(response.status)} content={response} />
      )}
    </section>
  )
}

/** Whether the exact body is known. */
const isComplete = ({ bodyIs, isCut }: Content): boolean => bodyIs === 'text' && !isCut

interface PartProps {
  readonly title: string
  readonly first: string
  readonly content: Content
}

/** The request or the answer: the exact message, and its signed text. */
function Part({ title, first, content: { headers, body, bodyIs, isCut, signed } }: PartProps) {
  const say = useTexts(wireTexts)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return (
    <>
      <h4>{title}</h4>
      {signed !== null && (
        <>
          <p class={signed.holds ? 'verdict good' : 'verdict bad'}>
            {say(signed.holds ? 'holds' : 'fails')} · {signed.algorithm}
          </p>
          <h5>{say('signed')}</h5>
          <pre tabIndex={0}>{signed.text}</pre>
          <h5>{say('exact')}</h5>
        </>
      )}
      <pre tabIndex={0}>{body === '' ? first : `${first}\n\n${body}`}</pre>
      <details>
        <summary>{say('headers', { count: lines.length })}</summary>
        <pre tabIndex={0}>{lines.join('\n')}</pre>
      </details>
      {(bodyIs !== 'text' || isCut) && (
        <p class="hint">
          {bodyIs !== 'text' && say(bodyIs)} {isCut && say('cut')}
        </p>
      )}
    </>
  )
}
