import { z } from 'zod'

const Address = z.url({ protocol: /^https?$/ }).max(2000)
const Text = z.string().max(300)

/**
 * How the editor looks and what it offers. Source: ONLYOFFICE Docs API, Editor config (createUrl,
 * templates, recent) and its section Customization.
 */
export const Customization = z.strictObject({
  logo: z
    .strictObject({
      image: Address.optional(),
      imageDark: Address.optional(),
      url: Address.optional(),
      visible: z.boolean().optional(),
    })
    .optional(),
  goback: z.strictObject({ url: Address, text: Text.optional(), blank: z.boolean().optional() }).optional(),
  close: z.strictObject({ visible: z.boolean(), text: Text.optional() }).optional(),
  uiTheme: z.string().max(50).optional(),
  compactToolbar: z.boolean().optional(),
  compactHeader: z.boolean().optional(),
  plugins: z.boolean().optional(),
  macros: z.boolean().optional(),
  macrosMode: z.enum(['disable', 'enable', 'warn']).optional(),
  feedback: z.union([z.boolean(), z.strictObject({ url: Address, visible: z.boolean() })]).optional(),
  help: z.boolean().optional(),
  zoom: z.int().min(-2).max(500).optional(),
  spellcheck: z.boolean().optional(),
  createUrl: Address.optional(),
  templates: z
    .array(z.strictObject({ title: Text, url: Address, image: Address.optional() }))
    .max(30)
    .optional(),
  recent: z
    .array(z.strictObject({ title: Text, url: Address, folder: Text.optional() }))
    .max(30)
    .optional(),
})

export type Customization = z.output<typeof Customization>
