{{ funnel_figures(by_date=false) }}
