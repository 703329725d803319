/**
 * The messages between the lanes, oldest first, as a sequence diagram. It is a list box: a screen
 * reader reads each arrow as a sentence, and the arrow keys move through thousands of them.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Exchange, Lane } from '../../../world/feed.ts'
import { useTexts } from '../../base/language.tsx'
import { Arrow } from './arrow.tsx'
import { useListWindow } from './list-window.ts'
import { laneTexts, wireTexts } from './texts.ts'

interface DiagramProps {
  readonly messages: readonly Exchange[]
  readonly lanes: readonly Lane[]
  readonly chosen: Exchange | null
  readonly choose: (message: Exchange) => void
  /** Shown if no arrow is. */
  readonly children: ComponentChildren
}

/** As in wire.css. */
const ROW_PX = 40
const PAGE_ROWS = 10

export function Diagram({ messages, lanes, chosen, choose, children }: DiagramProps) {
  const say = useTexts(wireTexts)
  const sayLane = useTexts(laneTexts)
  const [activeId, setActiveId] = useState<number | null>(null)
  const list = useListWindow(messages.length, ROW_PX)
  const active = messages.findIndex(({ id }) => id === activeId)

  const moveTo = (index: number) => {
    const target = Math.max(0, Math.min(messages.length - 1, index))
    setActiveId(messages[target]?.id ?? null)
    list.reveal(target)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const current = active === -1 ? messages.length : active
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + PAGE_ROWS,
      PageUp: current - PAGE_ROWS,
      Home: 0,
      End: messages.length - 1,
    }
    const move = moves[event.key]
    const message = messages[active]
    if (move !== undefined) moveTo(move)
    else if ((event.key === 'Enter' || event.key === ' ') && message !== undefined) choose(message)
    else return
    event.preventDefault()
  }
  // The arrow keys continue from the arrow of the open message.
  useEffect(() => {
    if (chosen !== null) setActiveId(chosen.id)
  }, [chosen])

  const isShown = active >= list.first && active < list.end
  return (
    <div class="diagram" style={{ '--lanes': lanes.length }}>
      <div class="lanes" aria-hidden="true">
        {lanes.map((lane) => (
          <span key={lane}>{sayLane(lane)}</span>
        ))}
      </div>
      <div
        ref={list.ref}
        class="messages"
        role="listbox"
        tabIndex={0}
        aria-label={say('title')}
        aria-description={say('hint')}
        aria-activedescendant={isShown ? `message-${activeId}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div
          role="presentation"
          class="messages-all"
          style={{ height: `${messages.length * ROW_PX}px` }}
        >
          {messages.slice(list.first, list.end).map((message, index) => (
            <div
              key={message.id}
              id={`message-${message.id}`}
              role="option"
              aria-selected={message.id === chosen?.id}
              aria-setsize={messages.length}
              aria-posinset={list.first + index + 1}
              class={message.id === activeId ? 'message active' : 'message'}
              style={{ top: `${(list.first + index) * ROW_PX}px` }}
              onClick={() => choose(message)}
            >
              <Arrow exchange={message} lanes={lanes} />
            </div>
          ))}
        </div>
      </div>
      {children}
      {!list.follows && (
        <button type="button" class="follow" onClick={list.follow}>
          ↓ {say('newest')}
        </button>
      )}
    </div>
  )
}
