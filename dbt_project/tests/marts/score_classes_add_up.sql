-- Promoters, passives and detractors are the responders; so for satisfied and easy. No valid score is without a class.
select metric, count(*) as answer_count, count(score_class) as classed_count
from {{ ref('fct_survey_responses') }}
where is_valid_score and metric in ('nps', 'csat', 'ces')
group by metric
having count(*) <> count(score_class) or bool_or(is_positive and is_negative)
