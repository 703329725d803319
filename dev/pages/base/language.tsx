/** The texts of a page in English and Chinese. */
import { createContext, type ComponentChildren } from 'preact'
import { useContext, useLayoutEffect, useState } from 'preact/hooks'

export type Language = 'en' | 'zh'

/**
 * Each text in English and in Chinese. `{name}` stands for a value, and `{name|row|rows}` for the
 * first word if the value is 1, otherwise for the second.
 */
export type Texts<Key extends string> = Readonly<Record<Key, readonly [en: string, zh: string]>>

interface Choice {
  readonly language: Language
  readonly choose: (language: Language) => void
}

const LanguageContext = createContext<Choice>({ language: 'en', choose: () => undefined })

const languageOfBrowser = (): Language => (navigator.language.startsWith('zh') ? 'zh' : 'en')

export function LanguageProvider({ children }: { readonly children: ComponentChildren }) {
  const [language, choose] = useState<Language>(languageOfBrowser)
  useLayoutEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  }, [language])
  return (
    <LanguageContext.Provider value={{ language, choose }}>{children}</LanguageContext.Provider>
  )
}

export const useLanguage = (): Language => useContext(LanguageContext).language

type Values = Readonly<Record<string, string | number>>

/** Returns a function from the key of a text to the text in the chosen language. */
export function useTexts<Key extends string>(texts: Texts<Key>) {
  const at = useLanguage() === 'en' ? 0 : 1
  return (key: Key, values: Values = {}): string =>
    texts[key][at].replaceAll(
      /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g,
      (whole, name: string, one?: string, many?: string) => {
        const value = values[name] ?? whole
        return String(one === undefined ? value : value === 1 ? one : many)
      },
    )
}

/** A button that shows the page in the other language. It is labelled in that language. */
export function LanguageSwitch() {
  const { language, choose } = useContext(LanguageContext)
  const other = language === 'en' ? 'zh' : 'en'
  return (
    <button
      type="button"
      class="quiet"
      lang={other === 'zh' ? 'zh-CN' : 'en'}
      onClick={() => choose(other)}
    >
      {other === 'zh' ? '中文' : 'English'}
    </button>
  )
}
