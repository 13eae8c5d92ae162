/** Colours of the editor's four standard kinds of theme, as the host would set them. */
export type ThemeName = 'dark' | 'light' | 'hc-dark' | 'hc-light';

interface DevTheme { bodyClass: string; variables: Record<string, string> }

const common = {
  'font-family': 'system-ui, "Ubuntu", "Droid Sans", sans-serif', 'font-size': '13px', 'font-weight': 'normal',
  'editor-font-family': '"Droid Sans Mono", monospace', 'editor-font-size': '14px',
};

export const THEMES: Record<ThemeName, DevTheme> = {
  dark: {
    bodyClass: 'vscode-dark',
    variables: {
      ...common, foreground: '#cccccc', descriptionForeground: '#9d9d9d', errorForeground: '#f85149', focusBorder: '#0078d4',
      'editor-background': '#1f1f1f', 'editor-foreground': '#cccccc', 'sideBar-background': '#181818', 'panel-border': '#2b2b2b', 'editorIndentGuide-background1': '#404040',
      'editorWidget-background': '#202020', 'editorWidget-border': '#454545', 'widget-border': '#313131', 'widget-shadow': 'rgba(0, 0, 0, 0.36)',
      'editorHoverWidget-background': '#202020', 'editorHoverWidget-border': '#454545', 'editorHoverWidget-foreground': '#cccccc',
      'button-background': '#0078d4', 'button-foreground': '#ffffff', 'button-hoverBackground': '#026ec1', 'button-border': '#ffffff12',
      'button-secondaryBackground': '#313131', 'button-secondaryForeground': '#cccccc', 'button-secondaryHoverBackground': '#3c3c3c',
      'badge-background': '#616161', 'badge-foreground': '#f8f8f8', 'icon-foreground': '#cccccc', 'textLink-foreground': '#4daafc', 'list-hoverBackground': '#2a2d2e',
      'inputValidation-warningBackground': '#352a05', 'inputValidation-warningBorder': '#b89500', 'progressBar-background': '#0078d4',
      'keybindingLabel-background': 'rgba(128, 128, 128, 0.17)', 'keybindingLabel-foreground': '#cccccc', 'keybindingLabel-border': 'rgba(51, 51, 51, 0.6)',
      'charts-foreground': '#cccccc', 'charts-lines': 'rgba(204, 204, 204, 0.5)', 'charts-red': '#f14c4c', 'charts-blue': '#3794ff', 'charts-yellow': '#cca700', 'charts-orange': '#d18616', 'charts-green': '#89d185', 'charts-purple': '#b180d7',
    },
  },
  light: {
    bodyClass: 'vscode-light',
    variables: {
      ...common, foreground: '#3b3b3b', descriptionForeground: '#3b3b3b', errorForeground: '#c72e0f', focusBorder: '#005fb8',
      'editor-background': '#ffffff', 'editor-foreground': '#3b3b3b', 'sideBar-background': '#f8f8f8', 'panel-border': '#e5e5e5', 'editorIndentGuide-background1': '#d3d3d3',
      'editorWidget-background': '#f8f8f8', 'editorWidget-border': '#c8c8c8', 'widget-border': '#e5e5e5', 'widget-shadow': 'rgba(0, 0, 0, 0.16)',
      'editorHoverWidget-background': '#f8f8f8', 'editorHoverWidget-border': '#c8c8c8', 'editorHoverWidget-foreground': '#3b3b3b',
      'button-background': '#005fb8', 'button-foreground': '#ffffff', 'button-hoverBackground': '#0258a8', 'button-border': '#0000001a',
      'button-secondaryBackground': '#e5e5e5', 'button-secondaryForeground': '#3b3b3b', 'button-secondaryHoverBackground': '#cccccc',
      'badge-background': '#cccccc', 'badge-foreground': '#3b3b3b', 'icon-foreground': '#3b3b3b', 'textLink-foreground': '#005fb8', 'list-hoverBackground': '#f2f2f2',
      'inputValidation-warningBackground': '#f6f5d2', 'inputValidation-warningBorder': '#b89500', 'progressBar-background': '#005fb8',
      'keybindingLabel-background': 'rgba(221, 221, 221, 0.4)', 'keybindingLabel-foreground': '#3b3b3b', 'keybindingLabel-border': 'rgba(204, 204, 204, 0.4)',
      'charts-foreground': '#3b3b3b', 'charts-lines': 'rgba(59, 59, 59, 0.5)', 'charts-red': '#e51400', 'charts-blue': '#1a85ff', 'charts-yellow': '#bf8803', 'charts-orange': '#d18616', 'charts-green': '#388a34', 'charts-purple': '#652d90',
    },
  },
  'hc-dark': {
    bodyClass: 'vscode-high-contrast',
    variables: {
      ...common, foreground: '#ffffff', descriptionForeground: 'rgba(255, 255, 255, 0.7)', errorForeground: '#f48771', focusBorder: '#f38518', contrastBorder: '#6fc3df', contrastActiveBorder: '#f38518',
      'editor-background': '#000000', 'editor-foreground': '#ffffff', 'sideBar-background': '#000000', 'panel-border': '#6fc3df', 'editorIndentGuide-background1': '#ffffff',
      'editorWidget-background': '#0c141f', 'editorWidget-border': '#6fc3df', 'widget-border': '#6fc3df',
      'editorHoverWidget-background': '#0c141f', 'editorHoverWidget-border': '#6fc3df', 'editorHoverWidget-foreground': '#ffffff',
      'button-background': '#000000', 'button-foreground': '#ffffff', 'button-border': '#6fc3df', 'button-secondaryBackground': '#000000', 'button-secondaryForeground': '#ffffff',
      'badge-background': '#000000', 'badge-foreground': '#ffffff', 'icon-foreground': '#ffffff', 'textLink-foreground': '#21a6ff',
      'inputValidation-warningBackground': '#000000', 'inputValidation-warningBorder': '#6fc3df', 'progressBar-background': '#6fc3df',
      'keybindingLabel-background': 'rgba(0, 0, 0, 0)', 'keybindingLabel-foreground': '#ffffff', 'keybindingLabel-border': '#6fc3df',
      'charts-foreground': '#ffffff', 'charts-lines': 'rgba(255, 255, 255, 0.5)', 'charts-red': '#f48771', 'charts-blue': '#59a4f9', 'charts-yellow': '#ffd370', 'charts-orange': '#d18616', 'charts-green': '#89d185', 'charts-purple': '#b180d7',
    },
  },
  'hc-light': {
    bodyClass: 'vscode-high-contrast-light vscode-high-contrast',
    variables: {
      ...common, foreground: '#292929', descriptionForeground: 'rgba(41, 41, 41, 0.7)', errorForeground: '#b5200d', focusBorder: '#006bbd', contrastBorder: '#0f4a85', contrastActiveBorder: '#006bbd',
      'editor-background': '#ffffff', 'editor-foreground': '#292929', 'sideBar-background': '#ffffff', 'panel-border': '#0f4a85', 'editorIndentGuide-background1': '#cccccc',
      'editorWidget-background': '#ffffff', 'editorWidget-border': '#0f4a85', 'widget-border': '#0f4a85',
      'editorHoverWidget-background': '#ffffff', 'editorHoverWidget-border': '#0f4a85', 'editorHoverWidget-foreground': '#292929',
      'button-background': '#0f4a85', 'button-foreground': '#ffffff', 'button-border': '#0f4a85', 'button-secondaryBackground': '#ffffff', 'button-secondaryForeground': '#292929',
      'badge-background': '#0f4a85', 'badge-foreground': '#ffffff', 'icon-foreground': '#292929', 'textLink-foreground': '#0f4a85',
      'inputValidation-warningBackground': '#ffffff', 'inputValidation-warningBorder': '#0f4a85', 'progressBar-background': '#0f4a85',
      'keybindingLabel-background': 'rgba(221, 221, 221, 0.4)', 'keybindingLabel-foreground': '#292929', 'keybindingLabel-border': '#0f4a85',
      'charts-foreground': '#292929', 'charts-lines': 'rgba(41, 41, 41, 0.5)', 'charts-red': '#b5200d', 'charts-blue': '#1a85ff', 'charts-yellow': '#895503', 'charts-orange': '#d18616', 'charts-green': '#374e06', 'charts-purple': '#652d90',
    },
  },
};
