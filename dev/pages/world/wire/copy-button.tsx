/** Copies a text. If the browser has no clipboard, it shows the text, to copy it by hand. */
import { useState } from 'preact/hooks'
import { useTexts } from '../../base/language.tsx'
import { wireTexts } from './texts.ts'

interface CopyButtonProps {
  readonly label: string
  readonly text: string
}

export function CopyButton({ label, text }: CopyButtonProps) {
  const say = useTexts(wireTexts)
  const [outcome, setOutcome] = useState<'copied' | 'by hand' | null>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      setOutcome('by hand')
    }
  }
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {label}
        <span role="status">{outcome === 'copied' ? ` ✓ ${say('copied')}` : ''}</span>
      </button>
      {outcome === 'by hand' && (
        <textarea readOnly class="by-hand" aria-label={say('copyByHand')} value={text} />
      )}
    </>
  )
}
