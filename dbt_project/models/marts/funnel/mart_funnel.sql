{{ funnel_figures(by_date=true) }}
