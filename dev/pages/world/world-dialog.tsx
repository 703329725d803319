/** A dialog over the whole page. The browser keeps the focus inside, and Escape closes it. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface WorldDialogProps {
  readonly title: string
  readonly closeLabel: string
  readonly close: () => void
  readonly children: ComponentChildren
}

export function WorldDialog({ title, closeLabel, close, children }: WorldDialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => element.current?.showModal(), [])
  return (
    <dialog ref={element} class="world-dialog" aria-label={title} onClose={close}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="quiet" aria-label={closeLabel} onClick={close}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  )
}
