/** A style sheet is imported for its effect. The build collects it. */
declare module '*.css' {}
