// Filling of forms, which are PDF files.
import { send } from './sheet.js'
import { tab } from './tab.js'

/** The emulator looks into no form: each has this one role. */
export const FORM_ROLES = [{ name: 'Anyone', color: '#ffefbf' }]

const isForm = ({ kind }) => kind === 'pdf'

export const FORM_TOOLS = [
  {
    name: 'start-filling',
    event: 'onRequestStartFilling',
    label: 'Start filling',
    isOffered: (rights) => isForm(rights) && rights.canEdit,
    data: () => FORM_ROLES,
  },
  {
    name: 'filling-status',
    event: 'onRequestFillingStatus',
    label: 'Filling status',
    fields: [{ name: 'role', label: 'Role', value: FORM_ROLES[0].name }],
    isOffered: (rights) => isForm(rights) && !rights.canEdit,
    isMobile: true,
    data: ({ role }) => role,
  },
  {
    name: 'submit',
    event: 'onSubmit',
    label: 'Complete & submit',
    fields: [{ name: 'form-value', label: 'Value of the field' }],
    isOffered: (rights) => isForm(rights) && rights.canFill && isSubmitShown(),
    // The button is there with or without a listener.
    isFree: true,
    isMobile: true,
    // The event follows when the host has taken the forced save.
    act: (values) =>
      send('submit', { fields: [{ key: 'Text1', type: 'text', value: values['form-value'] }] }),
  },
]

function isSubmitShown() {
  const { submitForm = true } = tab.config.editorConfig?.customization ?? {}
  return submitForm !== false && submitForm.visible !== false
}
