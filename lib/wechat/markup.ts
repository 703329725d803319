/** A message that contains `<!DOCTYPE` or `<!ENTITY` is refused unread. */
const DECLARATION = /<!(?=DOCTYPE|ENTITY)/gi

/** The end of a CDATA section. In WeChat's XML, the text after it would be markup. */
const SECTION_END = /\]\]>+/g

/** Removes what would make a message unreadable: WeChat returns our texts inside its own XML. */
export const removeMarkup = (text: string): string =>
  text.replace(DECLARATION, '<').replace(SECTION_END, ']]')
