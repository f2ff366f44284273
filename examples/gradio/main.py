"""Text statistics as a Gradio page."""

import gradio as gr


def measure(text):
    return {'characters': len(text), 'words': len(text.split()), 'lines': len(text.splitlines())}


page = gr.Interface(
    measure,
    gr.Textbox(lines=6, label='Text'),
    gr.JSON(label='Statistics'),
    title='Text statistics',
    flagging_mode='never',
    api_name='measure',
)

page.launch()  # at GRADIO_SERVER_NAME and GRADIO_SERVER_PORT
